import { existsSync, readdirSync, readFileSync } from 'node:fs';

/** What the kernel tells of the machine: small files, and the names in a folder. Both throw what node:fs throws. */
export interface MachineFiles {
  read(path: string): string;
  list(folder: string): readonly string[];
}

const systemFiles: MachineFiles = {
  read: (path) => readFileSync(path, 'utf8'),
  list: (folder) => (existsSync(folder) ? readdirSync(folder) : []),
};

const NETWORK = '/sys/class/net';
/** NET_ADDR_PERM (linux/netdevice.h): burnt into the hardware, not made up at this boot. */
const PERMANENT = '0';
/** One UUID for all boards of makers who never set it (AMI's sample BIOS). */
const NOBODYS = '03000200-0400-0500-0006-000700080009';

/**
 * What tells one machine from another, so that a card moved into a second one is noticed: a board's serial number, else its UUID, else
 * the address of a network interface that is no USB stick's. Else the root's machine-id, which moves with the card; one that was made up
 * for this boot (systemd.machine-id: then it lies in /run too) says nothing.
 */
export function machineId(files: MachineFiles = systemFiles): string {
  const uuid = '/sys/class/dmi/id/product_uuid';
  const serial = '/sys/firmware/devicetree/base/serial-number';
  const isTransient = textOf(files, '/run/machine-id') !== undefined;
  return (
    named(files, serial) ??
    (textOf(files, uuid) === NOBODYS ? undefined : named(files, uuid)) ??
    networkAddress(files) ??
    (isTransient ? undefined : named(files, '/etc/machine-id')) ??
    'unknown'
  );
}

function named(files: MachineFiles, path: string): string | undefined {
  const text = textOf(files, path);
  return text === undefined ? undefined : `${path}:${text}`;
}

/** A file's text without the NUL that ends a device tree's strings; undefined where it is empty, absent, or for root only. */
function textOf(files: MachineFiles, path: string): string | undefined {
  try {
    return files.read(path).replaceAll('\0', '').trim() || undefined;
  } catch (error) {
    if (isUnreadable(error)) return undefined;
    throw error;
  }
}

/** The lowest of the permanent addresses, so that the order in which interfaces are found doesn't matter. */
function networkAddress(files: MachineFiles): string | undefined {
  const isBuiltIn = (name: string) =>
    textOf(files, `${NETWORK}/${name}/addr_assign_type`) === PERMANENT &&
    /^(?!usb:)./.test(textOf(files, `${NETWORK}/${name}/device/modalias`) ?? '');
  const addresses = files
    .list(NETWORK)
    .filter(isBuiltIn)
    .flatMap((name) => textOf(files, `${NETWORK}/${name}/address`) ?? []);
  const [lowest] = addresses.sort();
  return lowest === undefined ? undefined : `${NETWORK}:${lowest}`;
}

function isUnreadable(error: unknown): boolean {
  const code = (error as NodeJS.ErrnoException).code;
  return ['ENOENT', 'ENOTDIR', 'EACCES', 'EPERM', 'EIO', 'EINVAL'].includes(code ?? '');
}
