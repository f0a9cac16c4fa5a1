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
  const name = interfaceOf(localAddress, interfaces);
  return name === undefined ? undefined : links.find((link) => fits(name, link.interface));
}

/** The interface that has an address. */
export function interfaceOf(localAddress: string | undefined, interfaces: Interfaces): string | undefined {
  // A socket for both families names IPv4 addresses so.
  const address = localAddress?.replace(/^::ffff:(?=[\d.]+$)/, '').replace(/%.*$/, '');
  const has = ([, infos]: [string, readonly NetworkInterfaceInfo[] | undefined]) =>
    infos?.some((info) => info.address === address);
  return Object.entries(interfaces()).find(has)?.[0];
}

/** `*` stands for any characters. */
function fits(name: string, pattern: string): boolean {
  const parts = pattern.split('*').map((part) => part.replace(/[^\w-]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(name);
}
