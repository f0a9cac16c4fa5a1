import { access } from 'node:fs/promises';
import * as v from 'valibot';
import { HalError, i2cDevice, type SystemFiles } from '../../../drivers/contract/index.js';
import { errorText, toHalError } from '../errno.js';
import { linuxSystemFiles } from '../linux-system.js';
import { BLOCKED, kernelHolder, scanBus } from './i2c-scan.js';
import { serialDevices } from './serial-look.js';
import type { Surveyed } from './surveyed.js';

/** UM10204 §3.1.12: 0x00 to 0x07 and 0x78 to 0x7f are the bus's own. */
const FIRST = 0x08;
const LAST = 0x77;
/** Clock chips here take writes only, and a read of them can hold the bus: i2cdetect(8). Asked only where a known part may be. */
const UNREAD = 0x69;

export interface ScannedAddress {
  readonly address: number;
  /** Of the node file. */
  readonly part?: string;
  /** The kernel's driver that holds it. */
  readonly holder?: string;
  /** For an address of no part: what it says it is, by drivers that know this address. */
  readonly likely: readonly string[];
}

export interface ScannedBus {
  readonly bus: string;
  readonly device?: string;
  readonly pins: readonly number[];
  /** The kernel has it. */
  readonly isThere: boolean;
  /** Addresses that were asked, of 112. */
  readonly asked: number;
  readonly answers: readonly ScannedAddress[];
  /** Parts of the node file that don't answer. */
  readonly silent: readonly { readonly part: string; readonly address: number }[];
  /** Why it can't be asked, or was asked no further. */
  readonly trouble?: string;
}

export interface ScannedPort {
  readonly port: string;
  readonly device?: string;
  readonly isThere: boolean;
  readonly part?: string;
}

export interface ScannedOthers {
  readonly ports: readonly ScannedPort[];
  /** Serial devices that the kernel has and the board file doesn't name. */
  readonly otherPorts: readonly string[];
  readonly chips: readonly { readonly name: string; readonly label: string; readonly lines: number }[];
}

/**
 * Asks at every address of a bus for one byte, writes nothing, and asks further only where a stranger answers, with the drivers that know its
 * address. A read can do harm too: it may clear a flag, or take a byte out of a part's queue. That is why it is a person who asks for it.
 */
export async function scanI2c(name: string, surveyed: Surveyed, signal: AbortSignal): Promise<ScannedBus> {
  const { config, registry, wires, deps } = surveyed;
  const { device, pins = [] } = config.board.i2c[name] ?? {};
  const base = { bus: name, ...(device === undefined ? {} : { device }), pins };
  const claimed = partsOn(name, surveyed);
  const known = [...claimed.keys(), ...registry.drivers.flatMap(({ addresses = [] }) => addresses)];
  const files = deps.files ?? linuxSystemFiles();
  const holderOf = (address: number) => kernelHolder({ ...base, name }, address, files);
  try {
    const bus = await wires.i2c(name);
    const sight = await scanBus(bus, addresses(claimed, known), holderOf, deps.clock, signal);
    const answers: ScannedAddress[] = [];
    for (const address of sight.answers) {
      const part = claimed.get(address);
      const holder = await holderOf(address);
      const isStranger = part === undefined && holder === undefined && !signal.aborted;
      answers.push({
        address,
        ...(part === undefined ? {} : { part }),
        ...(holder === undefined ? {} : { holder }),
        likely: isStranger ? await likely(name, address, surveyed) : [],
      });
    }
    const silent = [...claimed]
      .filter(([address]) => !sight.answers.includes(address))
      .map(([address, part]) => ({ part, address }));
    const { length } = sight.blocked;
    const trouble = length > 0 ? `${length} of the addresses ended in ${sight.blocked[0]}` : '';
    return { ...base, isThere: true, asked: sight.tried, answers, silent, ...(trouble ? { trouble } : {}) };
  } catch (error) {
    const silent = [...claimed].map(([address, part]) => ({ part, address }));
    const isThere = toHalError(error, name).kind !== 'absent';
    return {
      ...base,
      isThere,
      asked: 0,
      answers: [],
      silent,
      ...(isThere ? { trouble: errorText(error) } : {}),
    };
  }
}

/** Those of the node file first: a bus that is stuck is known by them. */
function addresses(claimed: ReadonlyMap<number, string>, known: readonly number[]): readonly number[] {
  const all = Array.from({ length: LAST - FIRST + 1 }, (_, i) => FIRST + i);
  return [
    ...claimed.keys(),
    ...all.filter((at) => !claimed.has(at) && (at !== UNREAD || known.includes(at))),
  ];
}

function partsOn(bus: string, { config }: Surveyed): ReadonlyMap<number, string> {
  return new Map(
    config.parts.flatMap(({ id, attachment }) =>
      attachment.kind === 'i2c' && attachment.bus === bus ? [[attachment.address, id] as const] : [],
    ),
  );
}

/** What the drivers that know an address make of who answers there: their probes read what the part is known by, and change nothing. */
async function likely(
  name: string,
  address: number,
  { registry, wires, deps }: Surveyed,
): Promise<readonly string[]> {
  const bus = await wires.i2c(name);
  const said: string[] = [];
  for (const driver of registry.drivers.filter(({ addresses = [] }) => addresses.includes(address))) {
    const options = v.safeParse(driver.options, {}).output;
    try {
      const part = driver.create({ device: i2cDevice(bus, address), clock: deps.clock }, options);
      said.push(`${(await part.probe()).model} (driver ${driver.id})`);
    } catch (cause) {
      const { kind, mismatch } = toHalError(cause, name);
      if (kind === 'wrongPart' && mismatch) said.push(`no ${driver.id}: ${mismatch.found}`);
      if (BLOCKED.includes(kind)) break;
    }
  }
  return said;
}

/** Ports and chips by name; none is opened. */
export async function scanOthers(
  { config, deps }: Surveyed,
  isThere: (path: string) => Promise<boolean> = exists,
): Promise<ScannedOthers> {
  const { serial, kind } = config.board;
  const ports = await Promise.all(
    Object.entries(serial).map(async ([port, { device }]): Promise<ScannedPort> => {
      const part = config.parts.find(({ attachment }) => 'port' in attachment && attachment.port === port);
      return {
        port,
        ...(device === undefined ? {} : { device }),
        isThere: device === undefined ? kind === 'twin' && part !== undefined : await isThere(device),
        ...(part ? { part: part.id } : {}),
      };
    }),
  );
  if (kind === 'twin') return { ports, otherPorts: [], chips: [] };
  const named = ports.map(({ device }) => device);
  const files: SystemFiles = deps.files ?? linuxSystemFiles();
  return {
    ports,
    otherPorts: (await serialDevices(files)).filter((device) => !named.includes(device)),
    chips: deps.native.gpioChips().map(({ name, label, lines }) => ({ name, label, lines })),
  };
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}

/** The buses that are asked for: one by name, else all that are used or need no switching on. */
export function busesToScan(asked: string | undefined, { config }: Surveyed): readonly string[] {
  const { i2c } = config.board;
  if (asked !== undefined) {
    if (Object.hasOwn(i2c, asked)) return [asked];
    const there = Object.keys(i2c).join(', ') || 'none';
    throw new HalError('invalid', asked, 'the board has no such I2C bus', { hint: `it has: ${there}` });
  }
  const isUsed = (bus: string) => config.parts.some(({ attachment: a }) => a.kind === 'i2c' && a.bus === bus);
  return Object.keys(i2c).filter((bus) => isUsed(bus) || i2c[bus]!.supply === undefined);
}
