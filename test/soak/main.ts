import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { ensureIdentity } from '../../runtime/identity.js';
import { NodeProcess } from '../../scripts/demo/node-process.js';
import { startMosquitto } from '../support/broker.js';
import { judge, type Sample, sampleOf } from './judge.js';
import { startSubscriber } from './subscriber.js';

const SAMPLE_S = 10;
/** Resident, MiB: the promise of the node that `npm start` runs. */
const RESIDENT_MAX_MB = 90;

/** `npm run soak -- [--minutes 10]`: runs the node of the demo against a broker and looks at what it holds on to. */
async function main(): Promise<boolean> {
  const { values } = parseArgs({ options: { minutes: { type: 'string', default: '10' } } });
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 10_080)) throw new Error('--minutes: more than 0, at most 10080 (a week)');
  const folder = mkdtempSync(join(resolve(process.env.CAIRN_SOAK_TMP ?? tmpdir()), 'cairn-soak-'));
  mkdirSync(folder, { recursive: true });
  const { identity } = ensureIdentity(join(folder, 'identity'));
  const broker = await startMosquitto();
  const subscriber = await startSubscriber(broker.port);
  const node = NodeProcess.prepare(folder, { id: identity.node, brokerPort: broker.port });
  const ended = new Promise<never>((_, reject) => {
    node.start((code, signal) => reject(new Error(`the node ended (${signal ?? code}): ${node.logFile}`)));
  });
  try {
    const samples = await Promise.race([watch(node, minutes), ended]);
    const verdict = judge(samples, RESIDENT_MAX_MB);
    for (const line of verdict.lines) process.stdout.write(`${line}\n`);
    return verdict.ok;
  } finally {
    await node.stop();
    subscriber.stop();
    await broker.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function watch(node: NodeProcess, minutes: number): Promise<readonly Sample[]> {
  const samples: Sample[] = [];
  const began = performance.now();
  process.stdout.write('    s   resident MiB   private MiB   descriptors   threads   CPU s      rows\n');
  for (let i = 1; i * SAMPLE_S <= minutes * 60; i++) {
    await until(began + i * SAMPLE_S * 1000);
    const rows = (await node.status())?.store.committedRows ?? 0;
    const sample = sampleOf(node.pid!, Math.round((performance.now() - began) / 1000), rows);
    samples.push(sample);
    process.stdout.write(`${row(sample)}\n`);
  }
  return samples;
}

function row(sample: Sample): string {
  const { atS, residentMb, privateMb, descriptors, threads, cpuS, rows } = sample;
  const cells = [
    [String(atS), 5],
    [residentMb.toFixed(1), 15],
    [privateMb.toFixed(1), 14],
    [String(descriptors), 14],
    [String(threads), 10],
    [cpuS.toFixed(1), 8],
    [String(rows), 10],
  ] as const;
  return cells.map(([text, width]) => text.padStart(width)).join('');
}

function until(atMs: number): Promise<void> {
  return new Promise((done) => setTimeout(done, Math.max(0, atMs - performance.now())));
}

process.exitCode = (await main()) ? 0 : 1;
