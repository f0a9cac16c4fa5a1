import * as v from 'valibot';
import type { Attachment, DriverDefinition, StreamClass } from '../../drivers/contract/index.js';
import { type Attached, attach, type PartValues, type Wiring } from './attach.js';
import { withoutUndefined } from './board.js';
import { check } from './check.js';
import { oneOf, type Problems } from './problem.js';
import { gpioEntries, i2cEntries, partEntries, serialEntries } from './schema.js';
import { entriesOf } from './shape.js';
import { type Entry, find, type MapTree, type Tree } from './tree.js';
import type { PartConfig, Place } from './types.js';
import { duration, formatMs } from './units.js';

type Definition = DriverDefinition<Attachment>;

/** Streams that the runtime makes by itself. */
export const RESERVED_NAMES = ['meta', 'motion', 'orientation', 'log', 'events'] as const;
/** The stem of STREAM_NAME in the wire format. */
const PART_NAME = /^[a-z][a-z0-9-]{0,31}$/;
const MAX_PARTS = 64;

/** A part that reads well by itself, with where it says what it hangs on. */
export type PlacedPart = Attached & { readonly id: string; readonly config: PartConfig };

interface PartOutput {
  readonly title?: string;
  readonly class?: StreamClass;
  readonly keep: boolean;
  readonly live: boolean;
  readonly every?: number;
  readonly slow?: { readonly when: 'still'; readonly every: number };
}

/** The keys of a part with this driver, options among them: one mapping a part, as people think of it. */
export function partSchema(driver: Definition) {
  return v.strictObject({
    driver: v.literal(driver.id),
    ...ownEntries(driver),
    ...entriesOf(driver.options),
  });
}

/** The keys that are not the driver's options; a driver may not name an option like one of them. */
export function ownEntries(driver: Definition): Readonly<Record<string, v.GenericSchema>> {
  return { ...attachmentEntries(driver), ...timing(driver), ...partEntries };
}

function attachmentEntries(driver: Definition): Readonly<Record<string, v.GenericSchema>> {
  return { i2c: i2cEntries(driver), serial: serialEntries(driver), gpio: gpioEntries, system: {} }[
    driver.attachment
  ];
}

function timing({ id, interval }: Definition): Readonly<Record<string, v.GenericSchema>> {
  if (!interval) return {};
  const every = duration(formatMs(interval.minMs), '7d', `, the shortest that a ${id} can follow`);
  return {
    every: v.pipe(
      v.optional(every, formatMs(interval.defaultMs)),
      v.description(`How often it is read: 10s, 250ms, 10 Hz. Otherwise ${formatMs(interval.defaultMs)}.`),
    ),
    slow: v.pipe(
      v.optional(v.strictObject({ when: v.literal('still'), every }, '{ when: still, every: 5min }')),
      v.description('A longer interval while the node lies still; needs fusion.'),
    ),
  };
}

/** Every part of the file that is right by itself. Problems hold the rest. */
export function readParts(
  node: MapTree,
  wiring: Wiring | undefined,
  drivers: readonly Definition[],
  problems: Problems,
): readonly PlacedPart[] {
  const { tree, found, keyPlace } = find(node, ['parts']);
  if (found === 0 || tree.kind !== 'map') return [];
  if (tree.entries.size === 0 || tree.entries.size > MAX_PARTS) {
    problems.add(
      keyPlace,
      `there are ${tree.entries.size} parts`,
      `1 to ${MAX_PARTS} parts, each 'name: { driver: … }'`,
    );
  }
  return [...tree.entries].flatMap(([id, entry]) => {
    checkName(id, entry.keyPlace, problems);
    const part = readPart(id, entry, wiring, drivers, problems);
    return part ?? [];
  });
}

function checkName(id: string, place: Place, problems: Problems): void {
  if ((RESERVED_NAMES as readonly string[]).includes(id)) {
    problems.add(
      place,
      `a part can't be named '${id}': the node's own stream has that name`,
      `another name than ${oneOf(RESERVED_NAMES)}`,
    );
  } else if (!PART_NAME.test(id)) {
    problems.add(
      place,
      `a part can't be named '${id}'`,
      'a name of a-z, 0-9 and -, a letter first, at most 32 characters, such as climate',
    );
  }
}

function readPart(
  id: string,
  entry: Entry,
  wiring: Wiring | undefined,
  drivers: readonly Definition[],
  problems: Problems,
): PlacedPart | undefined {
  const name = `parts.${id}`;
  const { tree, keyPlace: place } = entry;
  const head = check(entry, v.looseObject({ driver: driverName(drivers) }, '{ driver: … }'), name, problems);
  if (!head || tree.kind !== 'map') return undefined;
  const driver = drivers.find((known) => known.id === head.driver);
  if (!driver) {
    const known = drivers.map((each) => each.id);
    const { place: at } = find(tree, ['driver']).tree;
    problems.addUnknown(at, `${name}: there is no driver '${head.driver}'`, head.driver, known);
    return undefined;
  }
  const output = check(entry, partSchema(driver), name, problems);
  const options = readOptions(entry, driver, name, problems);
  if (!output || !options) return undefined;
  const values = output as unknown as PartOutput & PartValues[Attachment];
  checkSlow(values, tree, name, problems);
  checkLive(values, tree, name, problems);
  const attached = wiring && attach(values, { name, tree, driver, wiring, problems });
  if (!attached) return undefined;
  const { title, keep, live, class: streamClass, every, slow } = values;
  const config: PartConfig = {
    id,
    title: title ?? driver.title,
    driver,
    attachment: attached.attachment,
    options: options.parsed,
    keep,
    ...(live && { live }),
    place,
    ...withoutUndefined({ intervalMs: every, class: streamClass }),
    ...(slow && { slow: { when: slow.when, intervalMs: slow.every } }),
  };
  return { ...attached, id, config };
}

function driverName(drivers: readonly Definition[]) {
  return v.string(oneOf(drivers.map((driver) => driver.id)));
}

/** The driver's own schema over the driver's own keys: its cross-checks, and the output that the driver is given. */
function readOptions(
  { tree, keyPlace }: Entry,
  driver: Definition,
  name: string,
  problems: Problems,
): { parsed: unknown } | undefined {
  const keys = Object.keys(entriesOf(driver.options) ?? {});
  const given = tree.kind === 'map' ? [...tree.entries] : [];
  const entries = new Map(given.filter(([key]) => keys.includes(key)));
  const own: MapTree = { kind: 'map', place: tree.place, entries };
  const before = problems.count;
  const parsed: unknown = check({ tree: own, keyPlace }, driver.options, name, problems);
  return problems.count === before ? { parsed } : undefined;
}

function checkSlow(values: PartOutput, tree: Tree, name: string, problems: Problems): void {
  const { every, slow } = values;
  if (!slow || every === undefined || slow.every > every) return;
  const place = find(tree, ['slow', 'every']).tree.place;
  const what = `${name}.slow.every is ${formatMs(slow.every)}, not slower than every: ${formatMs(every)}`;
  problems.add(place, what, `more than ${formatMs(every)}`);
}

function checkLive({ keep, live }: PartOutput, tree: Tree, name: string, problems: Problems): void {
  if (keep || !live) return;
  const { place } = find(tree, ['live']).tree;
  problems.add(place, `${name} is live, but its rows are not stored`, "keep: true, or no 'live'");
}
