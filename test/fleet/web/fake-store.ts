import type { Channel } from '../../../drivers/contract/index.js';
import { DatabaseError } from '../../../fleet/db/index.js';
import type {
  Group,
  HeardHealth,
  LogLine,
  LogQuery,
  NodeDetail,
  NodeState,
  NodeSummary,
  Reading,
  Series,
  Span,
  Store,
  StreamSource,
  StreamSummary,
} from '../../../fleet/store/types.js';

/** 2026-11-20T12:00:00Z. */
export const NOW_MS = 1_795_176_000_000;
const HOUR_MS = 3_600_000;
const GROUPS: readonly Group[] = ['prod', 'stage', 'dev'];
const STATES: readonly NodeState[] = ['live', 'live', 'late', 'live', 'backlog', 'silent'];
/** A day's telemetry, one a minute; in this window rows are lost, in that one their times are unsure. */
const EVERY_MS = 60_000;
const HOLE = { fromMs: NOW_MS - 9 * HOUR_MS, toMs: NOW_MS - 7 * HOUR_MS };
const MISSING = { fromMs: NOW_MS - 3 * HOUR_MS, toMs: NOW_MS - 2.5 * HOUR_MS };
const UNSURE = { fromMs: NOW_MS - 24 * HOUR_MS, toMs: NOW_MS - 20 * HOUR_MS, ms: 600_000 };

const AIR: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 2 } },
  { name: 'pressure', quantity: 'pressure', type: { kind: 'decimal', scale: 1 } },
  { name: 'door', quantity: 'state', type: { kind: 'enum', labels: ['shut', 'open'] } },
  { name: 'note', quantity: 'text', type: { kind: 'utf8' } },
];
const SELF: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 1 } },
  { name: 'cpuUse', quantity: 'percent', type: { kind: 'decimal', scale: 1 } },
  { name: 'memoryAvailable', quantity: 'memory', type: { kind: 'int' } },
  { name: 'diskFree', quantity: 'memory', type: { kind: 'int' } },
  { name: 'underVoltage', quantity: 'state', type: { kind: 'enum', labels: ['no', 'yes'] } },
  { name: 'throttled', quantity: 'state', type: { kind: 'enum', labels: ['no', 'yes'] } },
];

/** What markup would do if it weren't escaped. */
export const HOSTILE = `<script>alert('x')</script>"onload=1`;

/** Three minutes ago, of a node that isn't well. */
const HEALTH: HeardHealth = {
  atMs: NOW_MS - 180_000,
  causes: [
    {
      ...{ rule: 'part.missing', about: 'motion', what: `motion doesn’t answer at i2c-1 0x68 ${HOSTILE}` },
      ...{ sinceS: 5_400, todo: 'look at its plug and its supply; cairn parts looks further' },
    },
    {
      rule: 'store.quota',
      about: 'air',
      what: '120 rows of air were given up since the start: the store is full',
    },
  ],
  causeCount: 3,
  parts: { motion: 'missing', climate: 'ok', gps: 'starting' },
  partCount: 5,
  machine: { uptimeS: 90_000, temperatureC: 61.2, memoryAvailableBytes: 400 << 20 },
  store: {
    ...{ state: 'ok', backlogBlocks: 7, backlogBytes: 4_500 },
    ...{ diskBytes: 3 << 20, diskFreeBytes: 2 << 28 },
  },
  flash: { bytesPerDay: 123_456_789, daysLeft: 1_500 },
  uplink: { connects: 3, waitingBlocks: 2, link: 'lte', budgetLeftBytes: -400_000 },
  clock: { state: 'set', uncertaintyMs: 12 },
  config: { state: 'trial', sha256: '5f3a90c17b2e', minutesLeft: 8 },
  lastEnd: 'watchdog (killed ABRT)',
};

/** Answers as a store would that has `count` nodes; each with gaps, a conflict, unsure times. Writes nothing. */
export class FakeStore implements Store {
  isDown = false;
  readonly renamed: Parameters<Store['rename']>[] = [];
  /** What the stream `air` of the first node says last. */
  temperature = 21.5;
  /** And in its channel of texts, always. */
  note: string | null = 'a "quoted", note';
  readonly summaries: readonly NodeSummary[];

  constructor(count = 24) {
    this.summaries = Array.from({ length: count }, (_, i) => summary(i));
  }

  nodes: Store['nodes'] = async (_nowMs, { group, search } = {}) => {
    this.#answer();
    const text = search?.toLowerCase() ?? '';
    return this.summaries.filter(
      (one) => (!group || one.group === group) && `${one.name} ${one.node}`.toLowerCase().includes(text),
    );
  };

  node: Store['node'] = async (id) => {
    this.#answer();
    const found = this.summaries.find(({ node }) => node === id);
    return found && this.#detail(found);
  };

  stream: Store['stream'] = async (streamId) => {
    this.#answer();
    const node = this.summaries[Math.floor(Number(streamId) / 10)];
    return node && source(node, streamId);
  };

  series: Store['series'] = async (streamId, column, span, points) => {
    this.#answer();
    const channel = (streamId % 10n === 0n ? AIR : SELF)[column];
    return channel && this.#series(channel, span, points);
  };

  readings: Store['readings'] = async (_stream, span, limit, after = -1n) => {
    this.#answer();
    return times(span)
      .map((ms) => this.#reading(ms))
      .filter(({ sequence }) => sequence > after)
      .slice(0, limit);
  };

  logs: Store['logs'] = async (query) => {
    this.#answer();
    return lines.filter((line) => isLike(line, query)).slice(0, query.limit);
  };

  gaps: Store['gaps'] = async () => {
    this.#answer();
    const gap = { epoch: 'fedcba9876543210', stream: 'air', atMost: false, learnedMs: NOW_MS - 6 * HOUR_MS };
    return [
      { ...gap, first: 900n, last: 1019n, cause: 'quota' },
      { ...gap, first: 40n, last: 103n, cause: 'uncleanStop', atMost: true },
    ];
  };

  conflicts: Store['conflicts'] = async () => [
    { epoch: 'fedcba9876543210', stream: 'air', first: 5n, count: 8n, crc: 0xbeef, receivedMs: NOW_MS },
  ];

  refusals: Store['refusals'] = async () => ({ malformed: 3n, tooLarge: 1n });
  take: Store['take'] = async () => [];
  heard: Store['heard'] = async () => undefined;
  refused: Store['refused'] = async () => undefined;
  repairTimes: Store['repairTimes'] = async () => false;
  forgetRows: Store['forgetRows'] = async () => false;
  removedLogs: Store['removedLogs'] = async () => undefined;
  rename: Store['rename'] = async (node, change, within) => {
    this.renamed.push([node, change]);
    await within?.({ dialect: 'sqlite', query: async () => [] });
  };
  descriptor: Store['descriptor'] = async () => undefined;

  #answer(): void {
    if (this.isDown) throw new DatabaseError('down', 'refused by the test');
  }

  #detail(node: NodeSummary): NodeDetail {
    const first = this.summaries.indexOf(node) * 10;
    const epoch = 'fedcba9876543210';
    const streams = [first, first + 1].map((id) => this.#summary(source(node, BigInt(id))));
    return {
      ...node,
      health: node.cause ? HEALTH : undefined,
      status: { state: 'online', custody: 'fleet', software: 'cairn 0.1.0', note: HOSTILE },
      epochs: [{ epoch, firstHeardMs: NOW_MS - 48 * HOUR_MS }],
      boots: [
        {
          epoch,
          boot: 2,
          software: 'cairn 0.1.0, Linux 6.1',
          start: { kind: 'known', wallNs: ns(NOW_MS - 30 * HOUR_MS), uncertaintyNs: 12_000_000n },
        },
        { epoch, boot: 1, software: 'cairn 0.1.0, Linux 6.1', start: { kind: 'unknown' } },
      ],
      streams: [...streams, { ...streams[0]!, epoch: '0000000000000001', streamId: BigInt(first + 2) }],
    };
  }

  #summary(of: StreamSource): StreamSummary {
    const isAir = of.stream === 'air';
    return {
      ...of,
      received: 1256n,
      lost: isAir ? { quota: 120n, uncleanStop: 64n } : {},
      missing: isAir ? 30n : 0n,
      conflicts: isAir ? 8n : 0n,
      contradictions: isAir ? 3n : 0n,
      removed: isAir ? { rows: 7_000n, fromNs: 0n, toNs: ns(NOW_MS - 48 * HOUR_MS) } : undefined,
      latest: isAir ? this.#reading(NOW_MS) : selfReading(),
    };
  }

  #reading(ms: number): Reading {
    const celsius = ms === NOW_MS ? this.temperature : Number(celsiusAt(ms).toFixed(2));
    return {
      sequence: BigInt((ms - NOW_MS + 25 * HOUR_MS) / EVERY_MS),
      wallNs: ns(ms),
      values: [celsius, 101_325, ms % 7 === 0 ? 1 : 0, null],
      texts: [null, null, null, this.note],
      quality: 'gsgg',
    };
  }

  #valueAt({ quantity, type }: Channel, ms: number): number {
    if (type.kind === 'enum') return celsiusAt(ms) > 21 ? 1 : 0;
    if (quantity === 'memory') return celsiusAt(ms) * 2 ** 27;
    if (quantity === 'pressure') return 101_000 + 20 * celsiusAt(ms);
    return ms === NOW_MS ? this.temperature : celsiusAt(ms);
  }

  #series(channel: Channel, span: Span, points: number): Series {
    const shown = times(span).filter((ms) => !isIn(ms, HOLE) && !isIn(ms, MISSING));
    const size = Math.max(1, Math.ceil(shown.length / points));
    const buckets = Array.from({ length: Math.ceil(shown.length / size) }, (_, i) => {
      const some = shown.slice(i * size, (i + 1) * size);
      const values = some.map((ms) => this.#valueAt(channel, ms));
      const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
      const wallMs = (some[0]! + some.at(-1)!) / 2;
      return {
        wallMs,
        min: Math.min(...values),
        max: Math.max(...values),
        mean,
        count: some.length,
      };
    });
    return {
      channel,
      buckets,
      holes: [
        { ...HOLE, rows: 120, cause: 'quota' },
        { ...MISSING, rows: 30, cause: 'missing' },
      ],
      uncertainty: [UNSURE, { fromMs: UNSURE.toMs, toMs: NOW_MS, ms: 12 }],
      timeless: 17n,
    };
  }
}

function summary(i: number): NodeSummary {
  const node = i === 1 ? 'senml:<b>truck</b>' : (0xa1b2c3d400000000n + BigInt(i)).toString(16);
  const state = STATES[i % STATES.length]!;
  const silentMs = { live: 20_000, backlog: 5_000, late: 900_000, silent: 40 * HOUR_MS }[state];
  return {
    node,
    name: i === 0 ? `Hut 0 ${HOSTILE}` : i % 5 === 4 ? node : `Hut ${i}`,
    group: GROUPS[i % GROUPS.length]!,
    state,
    heardMs: NOW_MS - silentMs,
    latestWallNs: i % 7 === 3 ? undefined : ns(NOW_MS - silentMs),
    ...(i % 6 !== 5 && {
      position: {
        latitude: 46.2 + ((i * 37) % 100) / 120,
        longitude: 7.1 + ((i * 61) % 100) / 45,
        wallNs: ns(NOW_MS),
      },
    }),
    lostRows: i % 4 === 0 ? BigInt(184 * i) : 0n,
    ...(i % 4 === 0 && { cause: i % 8 === 0 ? 'part.missing' : 'machine.underVoltage' }),
  };
}

function source({ node, group }: NodeSummary, streamId: bigint): StreamSource {
  const isAir = streamId % 10n !== 1n;
  return {
    streamId,
    node,
    group,
    epoch: 'fedcba9876543210',
    stream: isAir ? 'air' : 'self',
    logClass: 'telemetry',
    title: isAir ? 'Air under the roof' : 'The node itself',
    channels: isAir ? AIR : SELF,
  };
}

function selfReading(): Reading {
  return {
    sequence: 1440n,
    wallNs: ns(NOW_MS - 30_000),
    values: [54.3, 12.5, 512 << 20, 3.2 * 2 ** 30, 0, 1],
  };
}

const lines: readonly LogLine[] = Array.from({ length: 450 }, (_, i) => ({
  node: summary(i % 24).node,
  wallNs: ns(NOW_MS - i * 47_000),
  atNs: ns(NOW_MS - i * 47_000),
  streamId: 9n,
  level: (['info', 'debug', 'warn', 'info', 'error'] as const)[i % 5]!,
  module: ['uplink', 'store', 'sampler'][i % 3]!,
  text: i % 9 === 0 ? `line ${i} ${HOSTILE}` : `line ${i}: connected to the broker, ${i * 3} blocks wait`,
  sequence: BigInt(1000 - i),
}));

const RANK = ['debug', 'info', 'warn', 'error'];

function isLike(line: LogLine, { level, node, contains, before, fromNs, toNs }: LogQuery): boolean {
  return (
    (!level || RANK.indexOf(line.level) >= RANK.indexOf(level)) &&
    (!node || line.node === node) &&
    (!contains || line.text.toLowerCase().includes(contains.toLowerCase())) &&
    (!before || line.atNs < before.wallNs) &&
    (fromNs === undefined || line.atNs >= fromNs) &&
    (toNs === undefined || line.atNs < toNs)
  );
}

function times({ fromNs, toNs }: Span): readonly number[] {
  const from = Math.max(Number(fromNs / 1_000_000n), NOW_MS - 25 * HOUR_MS);
  const to = Math.min(Number(toNs / 1_000_000n), NOW_MS + 1);
  const first = Math.ceil((from - NOW_MS) / EVERY_MS);
  const last = Math.ceil((to - NOW_MS) / EVERY_MS) - 1;
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => NOW_MS + (first + i) * EVERY_MS);
}

function celsiusAt(ms: number): number {
  return 18 + 4 * Math.sin((ms / HOUR_MS / 24) * 2 * Math.PI) + Math.sin(ms / 500_000) + Math.sin(ms);
}

function isIn(ms: number, { fromMs, toMs }: { readonly fromMs: number; readonly toMs: number }): boolean {
  return ms > fromMs && ms < toMs;
}

function ns(ms: number): bigint {
  return BigInt(ms) * 1_000_000n;
}
