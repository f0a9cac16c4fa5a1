import { type HalError, type HalErrorKind, hexByte } from '../../../drivers/contract/index.js';
import { listText, pinsText, type WiringFault, type WiringFaultKind, withNotes } from './fault.js';

/** A bus as the board file has it. */
export interface BusFacts {
  readonly name: string;
  readonly device?: string;
  readonly pins: readonly number[];
  readonly timeoutMs: number;
}

/** An I2C adapter that the kernel has. */
export interface Adapter {
  /** `i2c-1` */
  readonly name: string;
  /** What the kernel calls it. */
  readonly title: string;
  /** There is a /dev/i2c-N for it. */
  readonly open: boolean;
}

/** What a bus said when it was asked at the addresses of all known parts, one byte each and nothing written. */
export interface BusSight {
  readonly tried: number;
  /** Addresses that acknowledge. */
  readonly answers: readonly number[];
  /** How many did not acknowledge. */
  readonly silent: number;
  /** How the transfers ended that were neither: one entry each, in the order of asking. */
  readonly blocked: readonly HalErrorKind[];
}

/** All that was seen around one I2C part that doesn't answer as itself. */
export interface I2cEvidence {
  readonly part: string;
  readonly driver: string;
  readonly bus: BusFacts;
  readonly address: number;
  /** What its probe, or opening its bus, ended with. */
  readonly error: HalError;
  readonly adapters?: readonly Adapter[];
  /** The kernel's driver at this address. */
  readonly holder?: string;
  readonly sight?: BusSight;
  /** Where else this kind of part answers as itself, at addresses that no other part has in the node file. */
  readonly elsewhere: readonly { readonly bus: BusFacts; readonly address: number }[];
}

/** The one line that the evidence bears out. */
export function diagnoseI2c(e: I2cEvidence): WiringFault {
  const { kind } = e.error;
  if (kind === 'absent') return noBus(e);
  if (kind === 'denied') return denied(e);
  if (e.holder !== undefined) return heldByKernel(e, e.holder);
  if (kind === 'wrongPart') return otherPart(e);
  const { sight } = e;
  if (sight && sight.blocked.length > 0 && sight.answers.length + sight.silent === 0)
    return stuckBus(e, sight);
  if (sight?.answers.includes(e.address)) return passing(e);
  if (kind === 'timeout') return slowPart(e);
  if (kind !== 'noAcknowledge') return unexplained(e);
  const here = e.elsewhere.find(({ bus }) => bus.name === e.bus.name);
  if (here) return otherAddress(e, here.address);
  if (e.elsewhere[0]) return otherBus(e, e.elsewhere[0]);
  if (sight && sight.answers.length === 0 && sight.silent > 0) return silentBus(e, sight);
  return missing(e);
}

function passing(e: I2cEvidence): WiringFault {
  return fault(e, 'passing', {
    found: 'an answer there now, and none when it was asked first',
    todo: 'look for a loose contact, and ask again',
  });
}

function otherAddress(e: I2cEvidence, address: number): WiringFault {
  const [wanted, there] = [hexByte(e.address), hexByte(address)];
  return fault(e, 'otherAddress', {
    found: `no answer there, and ${e.driver} at ${there}`,
    todo: `write address: ${there}, or strap the part to ${wanted}`,
  });
}

function otherPart(e: I2cEvidence): WiringFault {
  const there = e.elsewhere.map((place) => placeText(place.bus, place.address));
  return fault(e, 'otherPart', {
    expected: e.error.mismatch?.expected ?? e.driver,
    found: `${e.error.mismatch?.found ?? e.error.message}${there.length ? `, and ${e.driver} at ${listText(there, 'and')}` : ''}`,
    todo: there.length
      ? 'write that address, or change the two parts over'
      : `put ${e.driver} there, or name the driver of the part that is`,
  });
}

function otherBus(e: I2cEvidence, there: I2cEvidence['elsewhere'][number]): WiringFault {
  return fault(e, 'otherBus', {
    found: `no answer there, and ${e.driver} at ${placeText(there.bus, there.address)}`,
    todo: `write bus: ${there.bus.name}${there.address === e.address ? '' : `, address: ${hexByte(there.address)}`}, or move its SDA and SCL`,
  });
}

function missing(e: I2cEvidence): WiringFault {
  const others = e.sight?.answers.map(hexByte) ?? [];
  return fault(e, 'missing', {
    found: `no answer there${whileOthers(others)}`,
    todo: "check the part's power, ground, SDA and SCL",
  });
}

function whileOthers(addresses: readonly string[]): string {
  if (addresses.length === 0) return '';
  return `, while ${listText(addresses, 'and')} ${addresses.length === 1 ? 'answers' : 'answer'}`;
}

function silentBus(e: I2cEvidence, sight: BusSight): WiringFault {
  return onBus(e, 'silentBus', {
    expected: `${e.driver} at ${hexByte(e.address)}`,
    found: `no answer at any of ${sight.tried} addresses`,
    todo: 'check power and ground of the parts, and whether SDA and SCL are swapped',
  });
}

function stuckBus(e: I2cEvidence, sight: BusSight): WiringFault {
  // Once one transfer has timed out, how the later ones end says less.
  const kinds = sight.blocked.includes('timeout') ? (['timeout'] as const) : [...new Set(sight.blocked)];
  const ends = listText(
    kinds.map((kind) => BLOCKED[kind] ?? kind),
    'or',
  );
  return onBus(e, 'stuckBus', {
    expected: `${e.driver} at ${hexByte(e.address)}`,
    found: `${ends} at each of the ${sight.tried} addresses tried`,
    todo: 'SDA or SCL is held low, has no pull-up, or the two are swapped: take the parts off one by one',
  });
}

const BLOCKED: Readonly<Partial<Record<HalErrorKind, string>>> = {
  timeout: 'no end of the transfer',
  busStuck: 'a line held low',
  busy: 'a bus that is never idle',
  arbitrationLost: 'another controller on the bus',
};

function slowPart(e: I2cEvidence): WiringFault {
  const others = e.sight?.answers.map(hexByte) ?? [];
  return fault(e, 'slowPart', {
    expected: `${e.driver} within ${e.bus.timeoutMs} ms`,
    found: `no end of the transfer to it${whileOthers(others)}`,
    todo: 'it holds the clock: cut its power for a moment, then look at its supply',
  });
}

function noBus(e: I2cEvidence): WiringFault {
  const adapters = e.adapters ?? [];
  if (adapters.some(({ name, open }) => !open && e.bus.device === `/dev/${name}`)) {
    return onBus(e, 'noBus', {
      expected: 'an I2C bus',
      found: 'its adapter, but no device node',
      todo: 'load i2c-dev: modprobe i2c-dev',
    });
  }
  const usable = adapters.filter(({ open }) => open).map(({ name, title }) => withNotes(name, title));
  return onBus(e, 'noBus', {
    expected: 'an I2C bus',
    found: `no such bus, ${usable.length ? `but ${listText(usable, 'and')}` : 'nor any other'}`,
    todo: usable.length
      ? 'name one that is there, or switch this one on in the boot config'
      : 'switch I2C on (Raspberry Pi: dtparam=i2c_arm=on in config.txt) and load i2c-dev',
  });
}

function heldByKernel(e: I2cEvidence, holder: string): WiringFault {
  const number = /\d+$/.exec(e.bus.device ?? e.bus.name)?.[0] ?? '?';
  const client = `${number}-${e.address.toString(16).padStart(4, '0')}`;
  return fault(e, 'heldByKernel', {
    expected: `${e.driver}, free`,
    found: `the address held by the kernel's driver "${holder}"`,
    todo: `echo ${client} > /sys/bus/i2c/drivers/${holder}/unbind, or take it out of the device tree`,
  });
}

function denied(e: I2cEvidence): WiringFault {
  return onBus(e, 'denied', {
    expected: 'a bus that this user may open',
    found: 'permission denied',
    todo: 'add the user to the group i2c',
  });
}

function unexplained(e: I2cEvidence): WiringFault {
  return fault(e, 'other', { found: `${e.error.kind}: ${e.error.message}`, todo: 'see docs/wiring.md' });
}

type Said = Pick<WiringFault, 'found' | 'todo'> & { readonly expected?: string };

function fault(e: I2cEvidence, kind: WiringFaultKind, said: Said): WiringFault {
  return { kind, parts: [e.part], where: placeText(e.bus, e.address), expected: e.driver, ...said };
}

function onBus(e: I2cEvidence, kind: WiringFaultKind, said: Said): WiringFault {
  return { ...fault(e, kind, said), where: busText(e.bus) };
}

function busText(bus: BusFacts): string {
  return withNotes(bus.name, deviceNote(bus), pinsText(bus.pins));
}

/** `i2c-1 0x76 (pins 3 and 5)` */
function placeText(bus: BusFacts, address: number): string {
  return withNotes(`${bus.name} ${hexByte(address)}`, deviceNote(bus), pinsText(bus.pins));
}

/** The device behind a name that isn't its own; twins have none. */
function deviceNote({ name, device }: BusFacts): string {
  return device?.startsWith('/') && device !== `/dev/${name}` ? device : '';
}
