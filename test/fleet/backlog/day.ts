import type { Channel } from '../../../drivers/contract/index.js';
import { type ColumnType, native } from '../../../native/index.js';
import {
  blockTopic,
  encodeMeta,
  type GapCause,
  LOG_LEVELS,
  type LogClass,
  type MetaRecord,
} from '../../../wire/index.js';

export const NODE = '0123456789abcdef';
const EPOCH = 'fedcba9876543210';
export const HOUR_MS = 3_600_000;
/** Of a block. */
const MAX_ROWS = 120;
/** What the node sends first: it is no backlog. */
const NEWEST_MS = 50_000;

/** Boots by their number: the first ends by a power cut, and learns its time last of all. In hours of the day. */
const BOOTS = [
  { boot: 1, fromH: 0, toH: 14 },
  { boot: 2, fromH: 15, toH: Number.POSITIVE_INFINITY },
] as const;

export interface Row {
  readonly sequence: number;
  readonly boot: number;
  readonly wallMs: number;
  readonly values: readonly number[];
  readonly texts?: readonly (string | undefined)[];
  /** It is not on the node any more. */
  readonly lost?: GapCause;
}

export interface StreamDay {
  readonly name: string;
  readonly logClass: Exclude<LogClass, 'meta'>;
  readonly channels: readonly Channel[];
  readonly rows: readonly Row[];
}

export interface Message {
  readonly topic: string;
  readonly payload: Uint8Array;
}

interface Plan extends Omit<StreamDay, 'rows'> {
  readonly everyMs: number;
  readonly valuesAt: (hours: number, sequence: number) => Pick<Row, 'values' | 'texts'>;
  /** Hours of the day. */
  readonly lost: readonly (readonly [fromH: number, toH: number, GapCause])[];
}

const hundredths = (value: number) => Math.round(100 * value) / 100;
/** Always the same, as little even as a real one: within ± 1. */
const noise = (n: number) => ((n * 7919) % 201) / 100 - 1;

const PLANS: readonly Plan[] = [
  {
    ...{ name: 'climate', logClass: 'telemetry', everyMs: 20_000 },
    channels: [
      { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 2 } },
      { name: 'humidity', quantity: 'relativeHumidity', type: { kind: 'decimal', scale: 2 } },
    ],
    // Above 26 °C around 1:30, 7:30 (most of it lost), 13:30 (the power is cut before it ends) and 19:30.
    valuesAt: (hours, n) => ({
      values: [
        hundredths(20 + 8 * Math.sin((2 * Math.PI * hours) / 6) + 0.5 * noise(n)),
        hundredths(50 + 10 * Math.cos(hours) + noise(n + 7)),
      ],
    }),
    lost: [
      [7, 8.5, 'quota'],
      [13.9, 14, 'uncleanStop'],
    ],
  },
  {
    ...{ name: 'power', logClass: 'telemetry', everyMs: 60_000 },
    channels: [{ name: 'voltage', quantity: 'voltage', type: { kind: 'decimal', scale: 2 } }],
    valuesAt: (hours) => ({ values: [hundredths(4.2 - hours / 36)] }),
    lost: [
      [13.9, 14, 'uncleanStop'],
      [16, 16.5, 'thinned'],
    ],
  },
  {
    ...{ name: 'sos', logClass: 'alarm', everyMs: 7 * HOUR_MS },
    channels: [{ name: 'state', quantity: 'state', type: { kind: 'enum', labels: ['released', 'pressed'] } }],
    valuesAt: () => ({ values: [1] }),
    lost: [],
  },
  {
    ...{ name: 'log', logClass: 'log', everyMs: 150_000 },
    channels: [
      { name: 'level', quantity: 'state', type: { kind: 'enum', labels: LOG_LEVELS } },
      { name: 'module', quantity: 'text', type: { kind: 'utf8' } },
      { name: 'text', quantity: 'text', type: { kind: 'utf8' } },
    ],
    valuesAt: (hours, n) => ({
      values: [n % 50 === 49 ? 3 : n % 3, Number.NaN, Number.NaN],
      texts: [undefined, 'uplink', `line ${n} of hour ${Math.floor(hours)}`],
    }),
    lost: [[13.9, 14, 'uncleanStop']],
  },
];

/** A day of a node that ends at `endMs`, as it was: every row that it made, also of those that it lost. */
export class Day {
  readonly beginMs: number;
  readonly streams: readonly StreamDay[];
  #meta = 0;

  constructor(readonly endMs: number) {
    this.beginMs = endMs - 24 * HOUR_MS;
    this.streams = PLANS.map((plan) => ({ ...plan, rows: this.#rowsOf(plan) }));
  }

  stream(name: string): StreamDay {
    return this.streams.find((stream) => stream.name === name)!;
  }

  /** Of a stream that the node still has, in the order of their times. */
  kept(name: string): readonly Row[] {
    return this.stream(name).rows.filter(({ lost }) => !lost);
  }

  /** What is told at once: boots, descriptors, and the time of the second boot. */
  firstMeta(): Message {
    const boots = BOOTS.map(
      ({ boot }): MetaRecord => ({
        kind: 'boot',
        value: { boot, bootId: `boot ${boot}`, software: 'cairn' },
      }),
    );
    const descriptors = this.streams.map(
      ({ name, logClass, channels }): MetaRecord => ({
        kind: 'descriptor',
        value: { stream: name, version: 1, title: `Its ${name}`, class: logClass, channels },
      }),
    );
    return this.#metaBlock([...boots, ...descriptors, this.#anchor(2)]);
  }

  gaps(): Message {
    return this.#metaBlock(
      this.streams.flatMap(({ name, rows }) =>
        runsOf(rows.filter(({ lost }) => lost)).map(
          (run): MetaRecord => ({
            kind: 'gap',
            value: {
              ...{ epoch: EPOCH, stream: name, first: run[0]!.sequence, last: run.at(-1)!.sequence },
              ...{ cause: run[0]!.lost!, atMost: run[0]!.lost === 'uncleanStop' },
            },
          }),
        ),
      ),
    );
  }

  /** What the first boot's times rest on. */
  lateAnchor(): Message {
    return this.#metaBlock([this.#anchor(1)]);
  }

  newest(): readonly Message[] {
    return this.#blocks((row) => row.wallMs >= this.endMs - NEWEST_MS);
  }

  backlog(boot: number): readonly Message[] {
    return this.#blocks((row) => row.boot === boot && row.wallMs < this.endMs - NEWEST_MS);
  }

  /** One more reading, now. */
  live(name: string, wallMs: number): Message {
    const { valuesAt } = PLANS.find((plan) => plan.name === name)!;
    const rows = this.stream(name).rows as Row[];
    const sequence = rows.length;
    const row = { sequence, boot: 2, wallMs, ...valuesAt((wallMs - this.beginMs) / HOUR_MS, sequence) };
    rows.push(row);
    return this.#block(this.stream(name), [row]);
  }

  #rowsOf({ everyMs, valuesAt, lost }: Plan): Row[] {
    const rows: Row[] = [];
    for (let wallMs = this.beginMs + 10_000; wallMs < this.endMs; wallMs += everyMs) {
      const hours = (wallMs - this.beginMs) / HOUR_MS;
      const boot = BOOTS.find(({ fromH, toH }) => hours >= fromH && hours < toH)?.boot;
      if (!boot) continue;
      const cause = lost.find(([fromH, toH]) => hours >= fromH && hours < toH)?.[2];
      const sequence = rows.length;
      rows.push({ sequence, boot, wallMs, ...valuesAt(hours, sequence), ...(cause && { lost: cause }) });
    }
    return rows;
  }

  #blocks(isWanted: (row: Row) => boolean): readonly Message[] {
    return this.streams.flatMap((stream) =>
      runsOf(stream.rows.filter((row) => !row.lost && isWanted(row))).flatMap((run) =>
        Array.from({ length: Math.ceil(run.length / MAX_ROWS) }, (_, i) =>
          this.#block(stream, run.slice(i * MAX_ROWS, (i + 1) * MAX_ROWS)),
        ),
      ),
    );
  }

  #block({ name, logClass, channels }: StreamDay, rows: readonly Row[]): Message {
    const columns = channels.map(({ type }): ColumnType => (type.kind === 'enum' ? { kind: 'enum' } : type));
    const { sequence, boot } = rows[0]!;
    const values = Float64Array.from(rows.flatMap((row) => row.values));
    const texts = rows.flatMap((row) => row.texts ?? []);
    const payload = native.encodeBlock(
      { node: NODE, epoch: EPOCH, stream: name, first: sequence, boot, descriptorVersion: 1 },
      columns,
      {
        timesNs: BigInt64Array.from(rows, ({ wallMs }) => this.#monotonicNs(boot, wallMs)),
        ...{ values, quality: new Uint8Array(values.length) },
        ...(texts.length > 0 && { texts }),
      },
    );
    return { topic: blockTopic(NODE, logClass, name), payload };
  }

  #metaBlock(records: readonly MetaRecord[]): Message {
    const first = this.#meta;
    this.#meta += records.length;
    const payload = native.encodeBlock(
      { node: NODE, epoch: EPOCH, stream: 'meta', first, boot: 2, descriptorVersion: 1 },
      [{ kind: 'bytes' }],
      {
        timesNs: BigInt64Array.from(records, () => this.#monotonicNs(2, this.endMs)),
        values: Float64Array.from(records, () => Number.NaN),
        quality: new Uint8Array(records.length),
        texts: records.map((record) => encodeMeta(record)),
      },
    );
    return { topic: blockTopic(NODE, 'meta', 'meta'), payload };
  }

  #monotonicNs(boot: number, wallMs: number): bigint {
    const { fromH } = BOOTS.find((one) => one.boot === boot)!;
    return BigInt(wallMs - this.beginMs - fromH * HOUR_MS) * 1_000_000n;
  }

  #anchor(boot: number): MetaRecord {
    const { fromH } = BOOTS.find((one) => one.boot === boot)!;
    const wallMs = this.beginMs + (fromH + 1) * HOUR_MS;
    const times = { monotonicNs: this.#monotonicNs(boot, wallMs), wallNs: BigInt(wallMs) * 1_000_000n };
    return { kind: 'anchor', value: { boot, ...times, uncertaintyNs: 20_000_000n, source: 'gnss' } };
  }
}

/** Rows whose numbers follow each other, of one boot and fate. */
function runsOf(rows: readonly Row[]): readonly (readonly Row[])[] {
  const runs: Row[][] = [];
  for (const row of rows) {
    const before = runs.at(-1)?.at(-1);
    const follows =
      before?.sequence === row.sequence - 1 && before.boot === row.boot && before.lost === row.lost;
    if (follows) runs.at(-1)!.push(row);
    else runs.push([row]);
  }
  return runs;
}
