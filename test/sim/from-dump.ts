import { type FlightLine, type FlightShape, parseFlight } from '../../runtime/health/index.js';
import type { BusFault, Fault, OutageKind, Scenario, StreamPlan } from './scenario.js';

type Line<E extends FlightLine['e']> = Extract<FlightLine, { e: E }>;

/** The simulated node runs for so long before a record begins that doesn't begin with the node's start, and after its end. */
const LEAD_S = 600;
const AFTER_S = 600;
/** Refusals of the disk and failures of a part that are closer to each other are one fault. */
const PAUSE_MS = 45_000;
/** A synced write that takes longer makes a slow disk. */
const SLOW_MS = 500;
const YEAR_MS = 31_556_952_000;
/** A recorded store of a size that no simulation needs would only take longer. */
const MIB = 1024 * 1024;
const BURSTS = 500;

/** The same node, and the same faults at the same times: a failure in the field as a scenario. Throws where the text is no flight record. */
export function scenarioOf(dump: string, seed = 0): Scenario {
  const lines = recorded(dump);
  const start = lines.find((line) => line.e === 'start');
  if (!start) throw new Error('no flight record: it has no start');
  const first = lines.find(({ e }) => e !== 'start' && e !== 'stream') ?? start;
  // The head of a later segment repeats a start that was long before it.
  const isWhole = first.t - start.t < 5_000;
  const [beginMs, endMs] = [isWhole ? start.t : first.t, lines.at(-1)!.t];
  const leadS = isWhole ? 1 : LEAD_S;
  const record: Recorded = {
    lines,
    shape: start.shape,
    endMs,
    atS: (t) => Math.max(0, (t - beginMs) / 1000) + leadS,
  };
  const streams = streamsOf(record, (endMs - beginMs) / 1000);
  return {
    format: 1,
    seed,
    hours: Math.ceil(record.atS(endMs) + AFTER_S) / 3600,
    store: storeOf(record),
    uplink: uplinkOf(record),
    clock: clockOf(record),
    streams,
    faults: [
      ...diskFaults(record),
      ...linkFaults(record),
      ...answerFaults(record),
      ...partFaults(record, streams),
      ...steps(record),
      ...bursts(record, streams),
      ...ends(record),
    ]
      .map(exact)
      .sort((a, b) => a.atS - b.atS),
  };
}

interface Recorded {
  readonly lines: readonly FlightLine[];
  readonly shape: FlightShape;
  readonly endMs: number;
  /** Of a moment of the boot clock: s of the scenario. */
  atS(t: number): number;
}

/** Eighths of a second are whole nanoseconds in the simulation's arithmetic. */
function exact(fault: Fault): Fault {
  const round = (value: unknown) => Math.max(0, Math.round(Number(value) * 8) / 8);
  const spans = ['atS', 'forS', 'downS', 'resyncAfterS'].filter((key) => key in fault);
  return Object.assign(
    { ...fault },
    Object.fromEntries(spans.map((key) => [key, round(Reflect.get(fault, key))])),
  );
}

/** Facts at the head of a segment are repeated: each counts once. */
function recorded(dump: string): readonly FlightLine[] {
  const seen = new Set<string>();
  return parseFlight(dump).filter((line) => {
    if (line.e !== 'start' && line.e !== 'stream') return true;
    const text = JSON.stringify(line);
    return !seen.has(text) && seen.add(text);
  });
}

const ofKind = <E extends FlightLine['e']>(lines: readonly FlightLine[], e: E): readonly Line<E>[] =>
  lines.filter((line): line is Line<E> => line.e === e);

function storeOf({ shape }: Recorded): Scenario['store'] {
  const { sizeBytes, quotaPercent, reserveAheadMs, memoryBytes, commitIntervalMs } = shape.store;
  return {
    ...{ quotaPercent, reserveAheadMs, memoryBytes },
    sizeBytes: Math.min(sizeBytes, 256 * MIB),
    commitIntervalMs: commitIntervalMs === 'auto' ? 1_000 : commitIntervalMs,
    spareBytes: MIB,
    syncMs: 5,
  };
}

function uplinkOf({ shape }: Recorded): Scenario['uplink'] {
  const { protocol, window, pubackDeadlineMs, backoffMinMs, backoffMaxMs } = shape.uplink ?? {
    ...{ protocol: 'auto', window: 64, pubackDeadlineMs: 20_000, backoffMinMs: 1_000, backoffMaxMs: 300_000 },
  };
  const quick = { latencyMs: 20, bytesPerS: 1_000_000 };
  return {
    protocol,
    window,
    pubackDeadlineMs,
    backoffMinMs,
    backoffMaxMs,
    ...quick,
    oldBroker: false,
    receiveMaximum: 65_535,
  };
}

function clockOf({ lines, atS }: Recorded): Scenario['clock'] {
  const [known] = ofKind(lines, 'time');
  const maxErrorMs = known ? Math.max(1, Number(BigInt(known.uncertaintyNs) / 1_000_000n)) : 100;
  return {
    ppm: 0,
    startsIn1970: true,
    maxErrorMs,
    ...(known ? { syncAfterS: Math.max(1, atS(known.t)) } : {}),
  };
}

/** Names as the simulation's parts may have them. */
const idOf = (stream: string): string => stream.replaceAll('.', '-');

function streamsOf({ lines, shape }: Recorded, spanS: number): readonly StreamPlan[] {
  const found = new Map(ofKind(lines, 'stream').map((line) => [line.stream, line.class]));
  return [...found]
    .filter(([stream]) => stream !== 'meta' && stream !== 'log')
    .map(([stream, ofClass]) => {
      const part = shape.parts.find(({ id }) => id === stream.split('.')[0]);
      const counts = ofKind(lines, 'second').flatMap(({ rows }) => rows?.[stream] ?? []);
      const samples = part?.intervalMs ? (spanS * 1000) / part.intervalMs : undefined;
      const rows = counts.reduce((sum, count) => sum + count, 0);
      const burst = samples
        ? Math.max(1, Math.round((2 * rows) / Math.max(1, samples)) - 1)
        : Math.max(1, ...counts);
      return {
        id: idOf(stream),
        class: ofClass as StreamPlan['class'],
        shape: ofClass === 'alarm' || ofClass === 'event' ? 'door' : burst > 1 ? 'fifo' : 'climate',
        burst,
        ...(part?.intervalMs === undefined ? {} : { intervalMs: part.intervalMs }),
        ...(part?.live ? { live: true } : {}),
      };
    });
}

/** Parts that speak by themselves speak when they spoke. */
function bursts({ lines, atS }: Recorded, streams: readonly StreamPlan[]): readonly Fault[] {
  const speak = new Set(streams.filter(({ intervalMs }) => intervalMs === undefined).map(({ id }) => id));
  return ofKind(lines, 'second')
    .flatMap(({ t, rows }) =>
      Object.entries(rows ?? {}).map(([stream, count]): Fault => {
        return { kind: 'burst', atS: atS(t), stream: idOf(stream), rows: count };
      }),
    )
    .filter((fault) => fault.kind === 'burst' && speak.has(fault.stream))
    .slice(0, BURSTS);
}

interface Window<T> {
  readonly fromMs: number;
  readonly toMs: number;
  readonly items: readonly T[];
}

/** Runs of lines with no pause between them. */
function windowsOf<T extends { readonly t: number }>(lines: readonly T[]): readonly Window<T>[] {
  const windows: T[][] = [];
  for (const line of lines) {
    const last = windows.at(-1);
    if (last && line.t - last.at(-1)!.t <= PAUSE_MS) last.push(line);
    else windows.push([line]);
  }
  return windows.map((items) => ({ fromMs: items[0]!.t, toMs: items.at(-1)!.t, items }));
}

/** A fault begins a moment before it shows, and lasts until something works again, or for as long as it showed. */
const BEFORE_S = 0.5;

function diskFaults({ lines, atS }: Recorded): readonly Fault[] {
  const commits = ofKind(lines, 'second').filter((line) => line.commits);
  const refusals = windowsOf(ofKind(lines, 'disk')).map(({ fromMs, toMs, items }): Fault => {
    const taken = commits.filter(({ t }) => t > fromMs && t <= toMs).length;
    const over = commits.find(({ t }) => t > toMs)?.t ?? toMs + 1_000;
    const at = {
      atS: atS(fromMs) - BEFORE_S,
      forS: Math.max(1, (Math.max(toMs, over - 1_000) - fromMs) / 1000 + BEFORE_S),
    };
    const codes = new Set(items.map(({ code }) => code));
    if (codes.has('ENOSPC')) return { kind: 'diskFull', ...at, leftBytes: 0 };
    if (codes.has('EROFS')) return { kind: 'readOnly', ...at };
    const on = items.every(({ on }) => on === 'datasync' || on === 'sync') ? 'sync' : 'all';
    return { kind: 'diskError', ...at, on, share: taken > 0 ? 0.5 : 1 };
  });
  const slow = windowsOf(commits.filter(({ commitMs }) => (commitMs ?? 0) >= SLOW_MS));
  return [
    ...refusals,
    ...slow.map(({ fromMs, toMs, items }): Fault => {
      const took = items.map(({ commitMs }) => commitMs ?? 0).sort((a, b) => a - b);
      const syncMs = took[took.length >> 1]!;
      return {
        kind: 'slowDisk',
        atS: atS(fromMs) - syncMs / 1000,
        forS: (toMs - fromMs + syncMs) / 1000,
        syncMs,
      };
    }),
  ].map((fault) => ({ ...fault, atS: Math.max(0, fault.atS) }));
}

const OUTAGES: Readonly<Record<string, OutageKind>> = {
  dns: 'dns',
  timeout: 'timeout',
  captivePortal: 'captivePortal',
  tlsName: 'tlsName',
  auth: 'auth',
};

/** From a link's end to the next that comes up: why it can't be had is what the tries in between say. One that ended unanswered was deaf before. */
function linkFaults({ lines, shape, endMs, atS }: Recorded): readonly Fault[] {
  const faults: Fault[] = [];
  let downs: Extract<Line<'link'>, { is: 'down' }>[] = [];
  const over = (toMs: number): void => {
    const [first] = downs;
    if (!first) return;
    const isDeaf = first.kind === 'deadline';
    const deafS = isDeaf ? (shape.uplink?.pubackDeadlineMs ?? 0) / 1000 : 0;
    const from = Math.max(0, atS(first.t) - BEFORE_S - deafS);
    const how = downs.flatMap(({ kind }) => OUTAGES[kind] ?? [])[0] ?? 'refused';
    const forS = Math.max(1, atS(toMs) - BEFORE_S - from);
    if (downs.some(({ kind }) => kind === 'takenOver'))
      faults.push({ kind: 'takeOver', atS: from, forS, everyS: 5 });
    else faults.push({ kind: 'outage', atS: from, forS, how, halfOpen: isDeaf });
    downs = [];
  };
  for (const line of lines) {
    if (line.e === 'link' && line.is === 'down') downs.push(line);
    // An end of the process is none of the link.
    if (line.e === 'start' || (line.e === 'link' && line.is === 'online')) over(line.t);
  }
  over(endMs);
  const always: Fault = { kind: 'outage', atS: 0, forS: atS(endMs), how: 'refused', halfOpen: false };
  return shape.uplink ? faults : [always];
}

function answerFaults({ lines, atS }: Recorded): readonly Fault[] {
  const answered = ofKind(lines, 'second').filter(({ answers }) => answers);
  const total = (items: readonly Line<'second'>[], wanted: (code: string) => boolean): number =>
    items
      .flatMap(({ answers }) => Object.entries(answers ?? {}))
      .reduce((sum, [code, count]) => sum + (wanted(code) ? count : 0), 0);
  const codes = new Set(answered.flatMap(({ answers }) => Object.keys(answers ?? {})));
  codes.delete('0');
  return [...codes].flatMap((code) =>
    windowsOf(answered.filter(({ answers }) => answers?.[code])).map(({ fromMs, toMs }): Fault => {
      const at = { atS: Math.max(0, atS(fromMs) - 1), forS: (toMs - fromMs) / 1000 + 1 };
      const all = answered.filter(({ t }) => t >= fromMs && t <= toMs);
      if (code === 'stray') return { kind: 'strayPuback', ...at };
      if (code === '16') return { kind: 'noSubscriber', ...at };
      const share =
        total(all, (one) => one === code) /
        Math.max(
          1,
          total(all, () => true),
        );
      return { kind: 'refusal', ...at, code: Number(code), share };
    }),
  );
}

const BUS: Readonly<Record<string, BusFault>> = {
  timeout: 'timeout',
  busStuck: 'stuck',
  lostConfiguration: 'brownOut',
};

function partFaults({ lines, atS }: Recorded, streams: readonly StreamPlan[]): readonly Fault[] {
  const seconds = ofKind(lines, 'second').filter(({ faults }) => faults);
  const parts = new Set(seconds.flatMap(({ faults }) => Object.keys(faults ?? {})));
  return [...parts].flatMap((part) =>
    windowsOf(seconds.filter(({ faults }) => faults?.[part])).flatMap(({ fromMs, toMs, items }) => {
      const how = BUS[items[0]!.faults?.[part] ?? ''] ?? 'nack';
      const isOfPart = (id: string) => id === part || id.startsWith(`${part}-`);
      const over = ofKind(lines, 'second').find(
        ({ t, rows }) => t > toMs && Object.keys(rows ?? {}).some((stream) => isOfPart(idOf(stream))),
      );
      const forS = Math.max(1, ((over?.t ?? toMs + 1_000) - fromMs) / 1000 - 1);
      return streams
        .filter(({ id }) => isOfPart(id))
        .map(({ id }): Fault => ({ kind: 'bus', atS: Math.max(0, atS(fromMs) - 1), forS, stream: id, how }));
    }),
  );
}

/** A step back to where the clock was is its time daemon's. */
const UNDONE_MS = 86_400_000;

/** The simulation's clocks jump by whole years. The first time that a time daemon sets is the scenario's clock's own. */
function steps({ lines, atS }: Recorded): readonly Fault[] {
  const [known] = ofKind(lines, 'time');
  const found = ofKind(lines, 'step').filter(({ t }) => !known || Math.abs(t - known.t) > 10_000);
  return found.flatMap(({ t, ms }, i): Fault[] => {
    const [before, after] = [found[i - 1], found[i + 1]];
    if (before && Math.abs(before.ms + ms) < UNDONE_MS) return [];
    const isUndone = after && Math.abs(after.ms + ms) < UNDONE_MS;
    const years = Math.sign(ms) * Math.max(1, Math.round(Math.abs(ms) / YEAR_MS));
    return [{ kind: 'jump', atS: atS(t), years, resyncAfterS: isUndone ? (after.t - t) / 1000 : 60 }];
  });
}

/** Each start after the first follows an end; and the record's own end is one, where it is not in order. */
function ends({ lines, endMs, atS }: Recorded): readonly Fault[] {
  const faults: Fault[] = [];
  const end = (last: FlightLine | undefined, downS: number): void => {
    const how = last?.e === 'stop' ? 'stop' : 'kill';
    faults.push({
      kind: 'crash',
      atS: atS(last?.t ?? endMs) + 0.1,
      how,
      moment: 'now',
      downS: Math.max(1, downS),
    });
  };
  lines.forEach((line, i) => {
    if (line.e === 'start' && i > 0) end(lines[i - 1], (line.t - lines[i - 1]!.t) / 1000);
  });
  if (lines.at(-1)?.e !== 'stop') end(lines.at(-1), 1);
  return faults;
}
