import { once } from 'node:events';
import { openBenchStore } from './store-rows.js';
import { uplinkTo } from './uplink-to.js';

/** A process that drains a store: path and broker as arguments. It says `ready`, begins with the first line on stdin, and ends by SIGTERM or a kill. */
const [path, url] = process.argv.slice(2) as [string, string];
const store = await openBenchStore(path, []);
process.stdout.write('ready\n');
await once(process.stdin, 'data');
uplinkTo(url, store).start();
