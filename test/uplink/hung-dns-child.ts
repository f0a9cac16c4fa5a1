/**
 * Where the system's resolver asks a name server on 127.10.0.53 that never answers: how long the store's commits take, before an uplink
 * keeps trying to reach a broker by its name, and while it does. One JSON object on stdout.
 */
import { writeSync } from 'node:fs';
import { systemClock } from '../../runtime/clock/index.js';
import { Resolver } from '../../runtime/uplink/resolver.js';
import { openTest, rowsOf, testOptions } from '../store/support.js';
import { StubNameServer } from '../support/dns.js';
import { until } from '../support/until.js';
import { realUplink } from './real.js';

const COMMITS = 60;
const TRIES = 25;

const names = await StubNameServer.start(53, '127.10.0.53');
names.answers = false;
const store = await openTest(testOptions(process.argv[2]!));
let id = 0;

async function commitsMs(): Promise<number[]> {
  const took: number[] = [];
  for (let i = 0; i < COMMITS; i++) {
    const began = performance.now();
    store.append(rowsOf('a', [id++]));
    await store.flush();
    took.push(performance.now() - began);
  }
  return took.sort((a, b) => a - b);
}

const before = await commitsMs();
const config = { url: 'mqtt://broker.example:1', backoffMinMs: 10, backoffMaxMs: 20 };
const { uplink, log } = realUplink(config, undefined, new Resolver(systemClock(), undefined, 50));
uplink.start();
const tries = () => log.filter((line) => line.includes('dns')).length;
await until('tries', () => tries() >= TRIES);
const during = await commitsMs();
writeSync(
  1,
  JSON.stringify({
    tries: tries(),
    questions: names.questions,
    commits: during.length,
    medianBeforeMs: before[COMMITS >> 1],
    medianDuringMs: during[COMMITS >> 1],
    longestDuringMs: during.at(-1),
  }),
);
// An orderly exit would wait for the thread that hangs.
process.kill(process.pid, 'SIGKILL');
