import { randomBytes } from 'node:crypto';
import type { Channel } from '../../../drivers/contract/index.js';
import { Alerts, type AlertsOptions, type Facts } from '../../../fleet/alerts/index.js';
import type { Database } from '../../../fleet/db/index.js';
import type { Reading, Taken } from '../../../fleet/store/types.js';
import type { LogClass } from '../../../wire/index.js';

export const T0_MS = Date.UTC(2026, 10, 23, 2, 0, 0);
export const NODE = '0011223344556677';

export const CLIMATE: readonly Channel[] = [
  { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 2 } },
];

export interface BlockOf {
  readonly node?: string;
  readonly streamId?: bigint;
  readonly stream?: string;
  readonly logClass?: LogClass;
  readonly first: number;
  readonly boot?: number;
  /** A row a second; sequence n at T0 + n seconds. */
  readonly rows: readonly (readonly (number | null)[])[];
  readonly texts?: readonly (readonly (string | null)[])[];
  readonly isTimeless?: boolean;
}

/** As the store gives it to `judge`. */
export function taken(block: BlockOf): Taken {
  const {
    node = NODE,
    streamId = 1n,
    stream = 'climate',
    logClass = 'telemetry',
    first,
    boot = 1,
    rows,
  } = block;
  const readings = rows.map((values, i): Reading => {
    const wallNs = block.isTimeless ? undefined : BigInt(T0_MS + (first + i) * 1_000) * 1_000_000n;
    return {
      sequence: BigInt(first + i),
      wallNs,
      values,
      ...(block.texts ? { texts: block.texts[i]! } : {}),
    };
  });
  const epoch = 'aaaaaaaaaaaaaaaa';
  return {
    incoming: {
      kind: 'block',
      header: {
        node,
        epoch,
        stream,
        first,
        boot,
        descriptorVersion: 1,
        count: rows.length,
        byteLength: 0,
        crc: 0,
      },
      logClass,
      columns: [],
      rows: {
        timesNs: BigInt64Array.from(rows.map((_, i) => BigInt(first + i) * 1_000_000_000n)),
        values: new Float64Array(),
        quality: new Uint8Array(),
      },
      bytes: new Uint8Array(),
    },
    verdict: 'new',
    readings,
    stream: { streamId, node, epoch, stream, logClass },
  };
}

export interface World {
  readonly alerts: Alerts;
  readonly db: Database;
  readonly faults: string[];
  /** Of streams by their id; what is left out is not known yet. */
  readonly channels: Map<bigint, readonly Channel[]>;
  readonly groups: Map<string, 'dev' | 'stage' | 'prod'>;
  readonly heard: Map<string, { heardMs: number; latestWallNs: bigint | undefined }>;
  nowMs: number;
  take(...blocks: readonly BlockOf[]): Promise<void>;
}

/** Alerts on a database, with a store that is made up. */
export async function worldOf(db: Database, more: Partial<AlertsOptions> = {}): Promise<World> {
  const channels = new Map([[1n, CLIMATE]]);
  const groups = new Map<string, 'dev' | 'stage' | 'prod'>([[NODE, 'prod']]);
  const facts: Facts = {
    nodes: async (_, nodes) =>
      new Map(
        nodes.flatMap((node) => {
          const group = groups.get(node);
          const position = { latitude: 47.05, longitude: 8.3 };
          return group ? [[node, { name: `truck ${node.slice(-1)}`, group, position }]] : [];
        }),
      ),
    lock: async () => undefined,
    removedTo: async () => new Map(),
    channels: async (_, streamId) => channels.get(streamId),
    times: async (_, __, sequences) =>
      new Map(
        sequences.map((n) => [
          n,
          { wallNs: BigInt(T0_MS) * 1_000_000n + n * 1_000_000_000n, uncertaintyMs: 250 },
        ]),
      ),
    notAfter: async () => undefined,
    believedMs: async (_, nowMs) => nowMs,
  };
  const faults: string[] = [];
  const heard = new Map<string, { heardMs: number; latestWallNs: bigint | undefined }>();
  const nodes = async () =>
    [...heard].map(([node, seen]) => ({
      node,
      name: node,
      group: groups.get(node) ?? 'dev',
      ...seen,
    })) as never;
  const world = { db, faults, channels, groups, heard, nowMs: T0_MS };
  const alerts = new Alerts({
    db,
    holder: randomBytes(16).toString('hex'),
    facts,
    histories: { nodes, node: async () => undefined, series: async () => undefined },
    transports: [],
    defaultTell: ['mail:ops@example.org'],
    baseUrl: 'https://fleet.example.org',
    nowMs: () => world.nowMs,
    onFault: (text) => faults.push(text),
    ...more,
  });
  await alerts.rules.seed(world.nowMs);
  return Object.assign(world, {
    alerts,
    async take(...blocks: readonly BlockOf[]) {
      const all = blocks.map(taken);
      await db.transaction((tx) => alerts.judge(tx, all));
      for (const { stream, readings } of all) {
        const before = heard.get(stream!.node)?.latestWallNs;
        const times = [before, ...readings.map(({ wallNs }) => wallNs)].filter((ns) => ns !== undefined);
        const latestWallNs = times.reduce((a, b) => (a > b ? a : b), 0n);
        heard.set(stream!.node, { heardMs: world.nowMs, latestWallNs });
      }
      alerts.wake();
    },
  });
}

export const HOT = {
  name: 'Too warm',
  severity: 'warning',
  scope: { stream: 'climate' },
  condition: { kind: 'threshold', channel: 'temperature', above: 8, hysteresis: 1 },
} as const;

/** What an alert is about, in short. */
export async function shortList({ alerts }: World, states: readonly string[] = ['open', 'closed']) {
  const all = await alerts.list({ limit: 500 });
  return all
    .filter(({ state }) => states.includes(state))
    .map((alert) => [alert.state, alert.firstSequence, alert.lastSequence, alert.closedSequence] as const)
    .sort((a, b) => Number((a[1] ?? 0n) - (b[1] ?? 0n)));
}

export async function deliveries({ db }: World): Promise<readonly string[]> {
  const rows = await db.query(
    'SELECT alert_id, reason, target FROM delivery ORDER BY alert_id, reason, target',
  );
  return rows.map(({ alert_id, reason, target }) => `${alert_id} ${reason} ${target}`);
}
