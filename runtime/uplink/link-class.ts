import type { NetworkInterfaceInfo } from 'node:os';
import type { LinkClass } from '../config/types.js';

/** As `os.networkInterfaces` gives them. */
export type Interfaces = () => Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>;

/** The first class whose pattern fits the interface that has the connection's own address. */
export function linkClassOf(
  localAddress: string | undefined,
  interfaces: Interfaces,
  links: readonly LinkClass[],
): LinkClass | undefined {
  // A socket for both families names IPv4 addresses so.
  const address = localAddress?.replace(/^::ffff:(?=[\d.]+$)/, '').replace(/%.*$/, '');
  const name = Object.entries(interfaces()).find(([, infos]) =>
    infos?.some((info) => info.address === address),
  )?.[0];
  return name === undefined ? undefined : links.find((link) => fits(name, link.interface));
}

/** `*` stands for any characters. */
function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}
