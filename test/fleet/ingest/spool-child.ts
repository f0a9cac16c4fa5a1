import { writeSync } from 'node:fs';
import { Spool } from '../../../fleet/ingest/index.js';

/** Spools numbered messages until it is killed, and says how many are acknowledged, a line a batch. */
const [folder = '', from = '0'] = process.argv.slice(2);
const spool = await Spool.open({ folder, maxBytes: 1 << 26, segmentBytes: 20_000 });
for (let next = Number(from); ; ) {
  const batch = Array.from({ length: 1 + (next % 5) }, (_, at) => {
    const i = next + at;
    return { topic: `t/${i}`, payload: Buffer.alloc(20 + (i % 2000), i), receivedMs: i };
  });
  await spool.append(batch);
  next += batch.length;
  writeSync(1, `${next}\n`);
}
