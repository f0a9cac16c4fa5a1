import { ALERT_MIGRATIONS, storeFacts } from '../../../fleet/alerts/index.js';
import { type Database, migrate } from '../../../fleet/db/index.js';
import { VIEW_MIGRATIONS } from '../../../fleet/integrations/index.js';
import { PEOPLE_MIGRATIONS } from '../../../fleet/people/index.js';
import { openStore, STORE_MIGRATIONS, type Store } from '../../../fleet/store/index.js';
import type { MetaRecord } from '../../../wire/index.js';
import { worldOf } from '../alerts/fixtures.js';
import { anchor, type BlockOf, block, EPOCH, logBlock, meta, NODE, S } from '../store/blocks.js';

export const MIGRATIONS = [
  ...STORE_MIGRATIONS,
  ...PEOPLE_MIGRATIONS,
  ...ALERT_MIGRATIONS,
  ...VIEW_MIGRATIONS,
];
export const [SILENT, LATE, BACKLOG] = ['aaaaaaaaaaaaaaaa', 'bbbbbbbbbbbbbbbb', 'cccccccccccccccc'] as const;

/** PostgreSQL's clock is the machine's: ten minutes ago, on a full minute. */
export const START_MS = Math.floor((Date.now() - 600_000) / 60_000) * 60_000;
/** When its rows came: at once. */
const AS_IT_WAS = START_MS + 30_000;
const START_NS = BigInt(START_MS) * 1_000_000n;

type Named = readonly (readonly [name: string, quantity: 'temperature' | 'relativeHumidity' | 'memory'])[];

function descriptor(stream: string, version: number, channels: Named): MetaRecord {
  const of = channels.map(([name, quantity]) => ({ name, quantity, type: { kind: 'f64' } }) as const);
  return { kind: 'descriptor', value: { stream, version, title: stream, class: 'telemetry', channels: of } };
}

function gap(first: number, last: number): MetaRecord {
  const value = { epoch: EPOCH, stream: 'climate', first, last, cause: 'quota', atMost: false } as const;
  return { kind: 'gap', value };
}

const LINES = [
  ['info', 'uplink', 'connected'],
  ['error', 'store', "100% full: it's gone"],
] as const;

/**
 * A fleet of four nodes: one that works, of whose climate 10 to 12 are lost, 13 and 14 missing, and whose channels changed places at 25; one that is
 * silent, one late, one with a backlog.
 */
export async function fillFleet(db: Database): Promise<Store> {
  await migrate(db, MIGRATIONS);
  const store = openStore(db, { nowMs: () => Date.now() });
  const world = await worldOf(db, { facts: storeFacts(), histories: store, nowMs: () => Date.now() });
  const warm = { kind: 'threshold', channel: 'temperature', above: 30 } as const;
  await world.alerts.rules.put(
    { name: 'Too warm', severity: 'warning', scope: { group: 'prod' }, condition: warm },
    'ada',
    START_MS,
  );
  const take = (incoming: Parameters<Store['take']>[0], atMs = Date.now()) =>
    store.take(incoming, atMs, (tx, taken) => world.alerts.judge(tx, taken));

  await take([block([[1]], { node: SILENT })], Date.now() - 2 * 86_400_000);
  await take([block([[1]], { node: LATE })], Date.now() - 3_600_000);
  await take([meta([anchor(0, START_NS - 3_600n * S)], { node: BACKLOG }), block([[1]], { node: BACKLOG })]);

  const air = [
    ['temperature', 'temperature'],
    ['humidity', 'relativeHumidity'],
  ] as const;
  const self = [
    ['temperature', 'temperature'],
    ['memoryAvailable', 'memory'],
  ] as const;
  await take(
    [
      meta([
        anchor(0, START_NS, 5),
        { kind: 'boot', value: { boot: 1, bootId: 'b', software: 'cairn 1' } },
        descriptor('climate', 1, air),
        descriptor('climate', 2, [air[1], air[0]]),
        descriptor('self', 1, self),
      ]),
    ],
    AS_IT_WAS,
  );
  await store.rename(NODE, { name: 'Dock 7', group: 'prod' });
  const made = (count: number, row: (i: number) => readonly number[], of: BlockOf) =>
    block(
      Array.from({ length: count }, (_, i) => row(i)),
      of,
    );
  const first = [
    made(10, (i) => [20 + i, 50], { atS: 0 }),
    made(10, () => [40, 50], { first: 15, atS: 15 }),
    made(5, () => [51, 21], { first: 25, atS: 25, version: 2 }),
    made(3, () => [45, 1e9], { stream: 'self', atS: 0 }),
  ];
  await take(first, AS_IT_WAS);
  const conflict = made(10, () => [7, 7], { atS: 0 });
  await take([meta([gap(10, 12)], { first: 5 }), conflict], AS_IT_WAS);
  await take([logBlock(LINES, { atS: 3 })], AS_IT_WAS);
  await store.heard(NODE, Date.now(), { state: 'online', said: '\0 \ud800' });
  await store.refused({ badCrc: 3 });
  return store;
}
