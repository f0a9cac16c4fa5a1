/**
 * `cairn run` with one bound changed: `node bounded-node.js <node file> <memory bytes>`. A node file allows no such small memory; with it
 * a disk that refuses for seconds makes the overflow that takes hours otherwise.
 */
import { readConfig } from '../../runtime/console/files.js';
import { openNode } from '../../runtime/node.js';

const [file, memoryBytes] = process.argv.slice(2);
const say = (text: string) => void process.stderr.write(`${text}\n`);
const config = readConfig(file!, { err: say });
const node = await openNode({ ...config, store: { ...config.store, memoryBytes: Number(memoryBytes) } });
process.once('SIGTERM', () => void node.stop('SIGTERM'));
