/**
 * `cairn run` with a bound changed: `node bounded-node.js <node file> <memory bytes> [<store bytes>]`. A node file allows no such small ones;
 * with them a disk that refuses for seconds makes the overflow, and seconds of rows fill the store, that take hours otherwise.
 */
import { readConfig } from '../../runtime/console/files.js';
import { openNode } from '../../runtime/node.js';

const [file, memoryBytes, sizeBytes] = process.argv.slice(2);
const say = (text: string) => void process.stderr.write(`${text}\n`);
const config = readConfig(file!, { err: say });
const bounds = { memoryBytes: Number(memoryBytes), sizeBytes: Number(sizeBytes ?? config.store.sizeBytes) };
const node = await openNode({ ...config, store: { ...config.store, ...bounds } });
process.once('SIGTERM', () => void node.stop('SIGTERM'));
