import { createHash } from 'node:crypto';
import { basename, join } from 'node:path';
import * as v from 'valibot';
import { CALIBRATION_KINDS, type ChannelCorrection } from './calibration/index.js';
import type { NodeConfig } from './config/index.js';
import { parseRecord, type TextFiles } from './text-files.js';

/** Of a part, the ones in use among them; beyond, the oldest that isn't in use goes. */
const KEPT_MAX = 16;
/** Sets of channels of one part that are calibrated at once: their marks must fit a title. */
const IN_USE_MAX = 8;

const finite = v.pipe(v.number(), v.finite());
const factor = v.pipe(finite, v.minValue(-10), v.maxValue(10));
const text = (max: number) => v.pipe(v.string(), v.maxLength(max));
const digits = v.pipe(v.string(), v.regex(/^\d{1,20}$/));
const fields = {
  stream: text(49),
  channels: v.pipe(v.array(text(32)), v.minLength(1), v.maxLength(3)),
  kind: v.picklist(CALIBRATION_KINDS),
  offset: v.array(finite),
  /** True = matrix × (raw - offset). */
  matrix: v.array(factor),
  quality: v.record(text(32), finite),
  /** As the grant names them. */
  by: text(64),
};

/** What a person found, before the node has taken it. */
export const draftSchema = v.pipe(
  v.strictObject({ part: text(32), ...fields }),
  v.check(
    ({ channels: { length: n }, offset, matrix }) => offset.length === n && matrix.length === n * n,
    'offset and matrix must be of as many channels as are named',
  ),
);
export type Draft = v.InferOutput<typeof draftSchema>;

const calibrationSchema = v.strictObject({
  ...fields,
  mark: text(24),
  /** Of this part, from 1; none is given twice. */
  number: v.pipe(v.number(), v.integer(), v.minValue(1)),
  /** The kind of part that it was found for: another one at its place is not corrected by it. */
  driver: text(64),
  /** When: the store's boot, CLOCK_BOOTTIME, and the wall clock where it was known, both in ns. */
  boot: v.pipe(v.number(), v.integer(), v.minValue(0)),
  bootNs: digits,
  wallNs: v.optional(digits),
  /** Of the part itself, where it measures it. */
  temperatureCelsius: v.optional(finite),
});
export type Calibration = Readonly<v.InferOutput<typeof calibrationSchema>> & ChannelCorrection;

/** One for a list. */
export type Kept = Calibration & { readonly part: string; readonly isInUse: boolean };

const partSchema = v.strictObject({
  next: v.pipe(v.number(), v.integer(), v.minValue(1)),
  kept: v.pipe(v.array(calibrationSchema), v.maxLength(KEPT_MAX)),
});
type PartRecord = v.InferOutput<typeof partSchema>;
const fileSchema = v.strictObject({ sha256: v.string(), record: v.unknown() });

/** What a calibration knows of its moment. */
export type Moment = Pick<Calibration, 'boot' | 'bootNs' | 'wallNs' | 'temperatureCelsius'>;

/** Beside the store, in the folder of what outlives the node: `calibration/`, or `x.calibration/` for a store `…/x`. */
export function calibrationFolder({ store }: NodeConfig, stateFolder: string): string {
  const name = basename(store.path);
  return join(stateFolder, name === 'store' ? 'calibration' : `${name}.calibration`);
}

/** The calibrations of a node's parts, a file a part: as they were read once, and as they were written since. */
export class Calibrations {
  readonly #records = new Map<string, PartRecord>();
  readonly #drivers: ReadonlyMap<string, string>;

  /** `setsAside`: only the node's own process moves damaged files out of the way. */
  constructor(
    private readonly files: TextFiles,
    parts: NodeConfig['parts'],
    private readonly warn: (text: string) => void,
    private readonly setsAside = true,
  ) {
    this.#drivers = new Map(parts.map(({ id, driver }) => [id, driver.id]));
    for (const { id } of parts) this.#load(id);
  }

  /** All, of all parts. */
  all(): readonly Kept[] {
    return [...this.#drivers.keys()].flatMap((part) => {
      const used = this.inUse(part);
      return this.kept(part).map((one) => ({ part, isInUse: used.includes(one), ...one }));
    });
  }

  /** In use: the newest of each set of channels, oldest first. */
  inUse(part: string): readonly Calibration[] {
    return inUseOf(this.kept(part));
  }

  /** Of the part as it is in the node file, oldest first. */
  kept(part: string): readonly Calibration[] {
    const driver = this.#drivers.get(part);
    return this.#recordOf(part).kept.filter((calibration) => calibration.driver === driver);
  }

  /** On the disk when it returns; throws where the disk refuses, and then all is as it was. */
  add({ part, ...found }: Draft, moment: Moment): Calibration {
    const { next, kept } = this.#recordOf(part);
    const driver = this.#drivers.get(part);
    if (driver === undefined) throw new Error(`no part '${part}' in the node file`);
    const whole = { ...found, number: next, driver, ...moment };
    const mark = `${next}-${sha256(JSON.stringify(whole)).slice(0, 8)}`;
    const calibration: Calibration = { ...whole, mark };
    const all = [...kept, calibration];
    if (inUseOf(all).length > IN_USE_MAX)
      throw new Error(`${IN_USE_MAX} sets of channels of ${part} are calibrated: undo one first`);
    this.#write(part, { next: next + 1, kept: bounded(all) });
    return calibration;
  }

  /** Takes back the newest of the part, or of one of its channels: what was in use before it is so again. Undefined where there is none. */
  undo(part: string, channel?: string): Calibration | undefined {
    const newest = this.kept(part).findLast(
      ({ channels }) => channel === undefined || channels.includes(channel),
    );
    if (!newest) return undefined;
    const { next, kept } = this.#recordOf(part);
    this.#write(part, { next, kept: kept.filter(({ number }) => number !== newest.number) });
    return newest;
  }

  #recordOf(part: string): PartRecord {
    return this.#records.get(part) ?? { next: 1, kept: [] };
  }

  #write(part: string, record: PartRecord): void {
    this.files.write(`${part}.json`, JSON.stringify({ sha256: sha256(JSON.stringify(record)), record }));
    this.#records.set(part, record);
  }

  #load(part: string): void {
    const name = `${part}.json`;
    const json = this.#read(name);
    if (json === undefined) return;
    try {
      this.#records.set(part, parsePart(json));
      const left = this.#recordOf(part).kept.length - this.kept(part).length;
      if (left > 0) this.warn(`${part}: ${left} calibrations of another kind of part are passed by`);
    } catch (error) {
      this.warn(`${name}: damaged, ${part} goes without its calibrations: ${(error as Error).message}`);
      this.#setAside(name);
    }
  }

  /** A disk that refuses to be read says nothing of the file: it stays where it is. */
  #read(name: string): string | undefined {
    try {
      return this.files.read(name);
    } catch (error) {
      this.warn(`${name} can't be read, its part goes without its calibrations: ${(error as Error).message}`);
      return undefined;
    }
  }

  #setAside(name: string): void {
    if (!this.setsAside) return;
    try {
      this.files.setAside(name);
    } catch (error) {
      this.warn(`${name} could not be set aside: ${(error as Error).message}`);
    }
  }
}

function parsePart(json: string): PartRecord {
  const { sha256: said, record } = parseRecord(fileSchema, json);
  if (said !== sha256(JSON.stringify(record))) throw new Error('its SHA-256 is another one');
  return parseRecord(partSchema, JSON.stringify(record));
}

function inUseOf(kept: readonly Calibration[]): readonly Calibration[] {
  return kept.filter((one, i) => !kept.slice(i + 1).some((later) => isOfSame(one, later)));
}

/** A later one of any of its channels takes the place of the whole. */
function isOfSame(a: Calibration, b: Calibration): boolean {
  return a.stream === b.stream && a.channels.some((channel) => b.channels.includes(channel));
}

function bounded(kept: readonly Calibration[]): Calibration[] {
  if (kept.length <= KEPT_MAX) return [...kept];
  const used = inUseOf(kept);
  const oldest = kept.findIndex((one) => !used.includes(one));
  return kept.filter((_, i) => i !== oldest);
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
