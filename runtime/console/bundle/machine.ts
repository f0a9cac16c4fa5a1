import { readdirSync, readFileSync, statfsSync } from 'node:fs';
import { freemem, loadavg, machine, networkInterfaces, release, totalmem, uptime, version } from 'node:os';
import { join } from 'node:path';
import { version as cairnVersion } from '../../package.js';

/** Of the kernel's command line, those whose values say nothing secret; of others the name alone is told. */
const PLAIN_ARGUMENTS =
  /^(BOOT_IMAGE|console|root|rootfstype|rootwait|ro|rw|quiet|panic|audit|loglevel|fsck\.\w+|systemd\.gpt_auto|cairn\.grow|init|mem|maxcpus|8250\.\w+)$/;

/** What the machine is and how it does, by the kernel: no address of a card, no name of a host, no secret. */
export function machineReport(storePath: string | undefined) {
  return {
    software: {
      cairn: cairnVersion(),
      node: process.versions,
      os: textOf('/etc/os-release'),
      kernel: `${release()} ${version()} ${machine()}`,
    },
    model: textOf('/proc/device-tree/model') ?? textOf('/sys/class/dmi/id/product_name') ?? null,
    uptimeS: Math.round(uptime()),
    load: loadavg(),
    memory: { totalBytes: totalmem(), freeBytes: freemem(), kernel: textOf('/proc/meminfo') ?? null },
    commandLine: (textOf('/proc/cmdline') ?? '').split(/\s+/).filter(Boolean).map(argument),
    disk: { store: storePath === undefined ? null : room(storePath), root: room('/') },
    thermal: thermal(),
    interfaces: interfaces(),
  };
}

export function argument(text: string): string {
  const [name = '', ...value] = text.split('=');
  return value.length === 0 || PLAIN_ARGUMENTS.test(name) ? text : `${name}=(left out)`;
}

function room(path: string) {
  try {
    const { type, bsize, blocks, bavail, files, ffree } = statfsSync(path);
    return { type, totalBytes: blocks * bsize, freeBytes: bavail * bsize, files, filesFree: ffree };
  } catch (error) {
    return { error: (error as Error).message };
  }
}

function thermal() {
  const folder = '/sys/class/thermal';
  const zones = namesIn(folder).filter((name) => name.startsWith('thermal_zone'));
  return zones.map((zone) => ({
    type: textOf(join(folder, zone, 'type')) ?? null,
    milliC: Number(textOf(join(folder, zone, 'temp')) ?? Number.NaN),
  }));
}

/** An IPv6 address may hold the card's own (RFC 4291 §2.5.1): only what kind it is is told. */
function interfaces() {
  return Object.entries(networkInterfaces()).map(([name, addresses = []]) => ({
    name,
    addresses: addresses.map(({ family, cidr, address, internal }) => ({
      family,
      internal,
      address: family === 'IPv4' ? cidr : `${address.split(':')[0]}:…`,
    })),
  }));
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

/** Undefined where there is none: not every machine has each. */
function textOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8').replaceAll('\0', '').trim();
  } catch {
    return undefined;
  }
}
