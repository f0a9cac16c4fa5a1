import * as v from 'valibot';
import type { GpioEdges } from '../../drivers/contract/index.js';
import {
  busesToScan,
  followLine,
  type HeardPort,
  readRegisters,
  type ScannedBus,
  type ScannedOthers,
  type Surveyed,
  scanI2c,
  scanOthers,
  seeLines,
  sniff,
  surveyParts,
  wiringLine,
} from '../board/index.js';
import type { PartConfig } from '../config/index.js';
import type { WiringFact } from '../health/index.js';
import type { Lend } from '../sampler/index.js';
import { workStream } from './work-stream.js';

export interface WiringParts extends Surveyed {
  readonly lend: Lend;
  /** No node runs: nobody else watches a line. */
  readonly isAlone: boolean;
}

export type ScanAnswer = { readonly i2c: ScannedBus } | { readonly others: ScannedOthers };
export type SniffAnswer = { readonly hex: string } | { readonly heard: HeardPort };
export type SurveyAnswer = { readonly look: readonly string[] } | { readonly faults: readonly WiringFact[] };
/** ns of CLOCK_BOOTTIME as digits once it is JSON. */
export interface EdgeAnswer {
  readonly timeNs: bigint;
  readonly isRising: boolean;
  readonly lost: number;
}

type Handler = (params: unknown) => unknown;

const NAME = v.pipe(v.string(), v.minLength(1), v.maxLength(255));
const integer = (min: number, max: number) =>
  v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const BUS = v.strictObject({ bus: v.optional(NAME) });
const RANGE = v.strictObject({
  ...{ bus: NAME, address: integer(0x03, 0x77), from: integer(0, 255), count: integer(1, 256) },
  width: v.picklist([1, 2]),
});
const SNIFF = v.strictObject({
  port: NAME,
  bauds: v.pipe(v.array(integer(50, 4_000_000)), v.minLength(1), v.maxLength(8)),
  seconds: v.pipe(v.number(), v.minValue(0.1), v.maxValue(50)),
});
const LINE = v.strictObject({ line: NAME });
const PARTS = v.strictObject({ parts: v.pipe(v.array(NAME), v.maxLength(256)) });

/** Slack for a port to open and to close, over the time that is listened. */
const SLACK_MS = 3_000;
const SURVEY_MS = 55_000;
/** Of bytes in one answer. */
const PIECE_BYTES = 512;

/** What is asked of the wiring, by a running node and by a console without one alike: each answer is a stream that whoever listens may end. */
export function wiringRequests(parts: WiringParts): Readonly<Record<string, Handler>> {
  return {
    scan: (params) => scan(parts, v.parse(BUS, params)),
    registers: (params) => {
      const range = v.parse(RANGE, params);
      return workStream(async (say, signal) => say(await readRegisters(parts.wires, range, signal)));
    },
    sniff: (params) => listen(parts, v.parse(SNIFF, params)),
    lines: () => workStream(async (say) => (await seeLines(parts)).forEach(say)),
    edges: (params) => edges(parts, v.parse(LINE, params).line),
    survey: (params) => survey(parts, v.parse(PARTS, params).parts),
  };
}

function scan(parts: WiringParts, { bus }: v.InferOutput<typeof BUS>) {
  const buses = busesToScan(bus, parts);
  return workStream<ScanAnswer>(async (say, signal) => {
    for (const name of buses) {
      if (signal.aborted) return;
      say({ i2c: await scanI2c(name, parts, signal) });
    }
    if (bus === undefined) say({ others: await scanOthers(parts) });
  });
}

function listen(parts: WiringParts, { port, bauds, seconds }: v.InferOutput<typeof SNIFF>) {
  const { device } = parts.config.board.serial[port] ?? {};
  const holder = parts.config.parts.find(
    (part) => 'port' in part.attachment && part.attachment.port === port,
  );
  return workStream<SniffAnswer>(async (say, gone) => {
    const work = async (over: AbortSignal) => {
      const signal = AbortSignal.any([gone, over]);
      for (const baud of bauds) {
        if (signal.aborted) return;
        const request = { port, baud, seconds, ...(device === undefined ? {} : { device }) };
        say({ heard: await sniff(request, (bytes) => sayBytes(bytes, say), parts, signal) });
      }
    };
    const forMs = bauds.length * seconds * 1000 + SLACK_MS;
    await (holder ? parts.lend(holder.id, forMs, work) : work(gone));
  });
}

function sayBytes(bytes: Uint8Array, say: (item: SniffAnswer) => void): void {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES)
    say({ hex: Buffer.from(bytes.subarray(at, at + PIECE_BYTES)).toString('hex') });
}

function edges(parts: WiringParts, line: string) {
  return workStream<EdgeAnswer>((say, signal) => {
    const onEdges = ({ timesNs, rising, lost }: GpioEdges) => {
      for (const [i, timeNs] of timesNs.entries())
        say({ timeNs, isRising: rising[i] === 1, lost: i === 0 ? lost : 0 });
    };
    return followLine(line, onEdges, parts, parts.isAlone, signal);
  });
}

/** Looks at these parts; those that have a port or a line to themselves are lent meanwhile. */
function survey(parts: WiringParts, ids: readonly string[]) {
  const asked = parts.config.parts.filter(({ id }) => ids.includes(id));
  return workStream<SurveyAnswer>(async (say, signal) => {
    const deps = { ...parts.deps, signal, onLook: (look: readonly string[]) => say({ look }) };
    const { faults } = await lendAll(asked, parts.lend, () => surveyParts(asked, { ...parts, deps }));
    say({ faults: faults.map((fault) => ({ ...fault, line: wiringLine(fault) })) });
  });
}

/** One inside the other: what the innermost gives comes out when all are given back. */
function lendAll<T>(parts: readonly PartConfig[], lend: Lend, work: () => Promise<T>): Promise<T> {
  const [part, ...rest] = parts.filter(({ attachment: { kind } }) => kind === 'serial' || kind === 'gpio');
  return part ? lend(part.id, SURVEY_MS, () => lendAll(rest, lend, work)) : work();
}
