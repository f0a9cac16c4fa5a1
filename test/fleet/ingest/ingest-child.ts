import { mkdirSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseError, migrate, openSqlite } from '../../../fleet/db/index.js';
import { DeadLetters, Ingest, Spool } from '../../../fleet/ingest/index.js';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import { block } from './messages.js';

/** Takes numbered blocks until it is killed, over a database that is away half of the time, and says how many are acknowledged. */
const [folder = '', from = '0'] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const db = openSqlite(join(folder, 'fleet.db'));
await migrate(db, STORE_MIGRATIONS);
const store = openStore(db, { nowMs: Date.now });
const isAway = () => Math.floor(performance.now() / 300) % 2 === 1;
const ingest = new Ingest({
  store: {
    node: (...given) => store.node(...given),
    heard: (...given) => store.heard(...given),
    refused: (...given) => store.refused(...given),
    take: (...given) => (isAway() ? Promise.reject(new DatabaseError('down', 'away')) : store.take(...given)),
  },
  spool: await Spool.open({ folder: join(folder, 'spool'), maxBytes: 1 << 26, segmentBytes: 2000 }),
  alarmSpool: await Spool.open({ folder: join(folder, 'alarm-spool'), maxBytes: 1 << 20 }),
  deadLetters: await DeadLetters.open(join(folder, 'dead-letters'), 1 << 20),
  nowMs: Date.now,
});
for (let next = Number(from); ; next += 10) {
  const sent = Array.from({ length: 10 }, (_, i) => block(next + i, [next + i]));
  await Promise.all(sent.map(({ topic, payload }) => ingest.take(topic, payload)));
  writeSync(1, `${next + 10}\n`);
}
