// Appends to the store at argv[2] from id argv[3] on, and says `ack <id>` on stdout once all ids below are promised. Is killed.
import { writeSync } from 'node:fs';
import { openTest, rowsOf, testOptions } from './support.js';

const [path = '', start = '0', bootId = ''] = process.argv.slice(2);
const store = await openTest(testOptions(path, { bootId, reserveAheadMs: 50 }));
let id = Number(start);
const tick = async (): Promise<void> => {
  for (let n = 0; n < 20; n += 1) {
    store.append(rowsOf(id % 7 === 0 ? 'a' : 't', [id]));
    id += 1;
  }
  const promised = id;
  await store.flush();
  writeSync(1, `ack ${promised}\n`);
  setTimeout(() => void tick(), 1);
};
await tick();
