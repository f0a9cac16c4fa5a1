import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import { openDatabase } from '../../../fleet/db/index.js';
import { freePort } from '../../support/broker.js';
import { startPostgres } from '../../support/postgres.js';

/** `npm run fleet-load`: cairn-fleet under many nodes, on SQLite and on PostgreSQL; what was acknowledged has to be there, and memory stays. */

const SAMPLE_MS = 10_000;
const FLEET = join(import.meta.dirname, '../../../fleet/main.js');
const NODES = join(import.meta.dirname, 'nodes.js');
/** More at the end than after a third: it holds on to something. */
const GROWTH_MAX = 1.25;

interface Load {
  readonly nodes: number;
  readonly seconds: number;
}

interface Sent {
  readonly sent: number;
  readonly acknowledged: number;
  readonly late: number;
  readonly closed: number;
}

async function main(): Promise<boolean> {
  const { values } = parseArgs({
    options: {
      nodes: { type: 'string', default: '2000' },
      seconds: { type: 'string', default: '300' },
      on: { type: 'string', default: 'sqlite,postgres' },
    },
  });
  const load = { nodes: Number(values.nodes), seconds: Number(values.seconds) };
  let isGood = true;
  for (const on of values.on.split(',')) isGood = (await run(on, load)) && isGood;
  return isGood;
}

async function run(on: string, load: Load): Promise<boolean> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-load-'));
  const server = on === 'postgres' ? await startPostgres({ synced: true }) : undefined;
  try {
    const url = await server?.database();
    const [port, webPort] = [await freePort(), await freePort()];
    const file = join(folder, 'fleet.yaml');
    const database = url ? `database: '${url}'\n` : '';
    writeFileSync(
      file,
      `data: ${folder}/data\n${database}broker: { port: ${port} }\nweb: { port: ${webPort} }\n`,
    );
    const fleet = spawn(process.execPath, [FLEET, '--config', file], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    await listens(webPort);
    const rss: number[] = [];
    const timer = setInterval(() => rss.push(residentMiB(fleet)), SAMPLE_MS);
    const sent = await publish(port, load);
    clearInterval(timer);
    const cpuS = cpuSeconds(fleet);
    fleet.kill('SIGTERM');
    await once(fleet, 'exit');
    return await judge(on, load, { sent, rss, cpuS, where: url ?? join(folder, 'data/fleet.db') });
  } finally {
    await server?.remove();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function publish(port: number, { nodes, seconds }: Load): Promise<Sent> {
  const child = spawn(process.execPath, [NODES, ...[port, nodes, seconds].map(String)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let last = '{}';
  for await (const line of createInterface({ input: child.stdout })) last = line;
  return JSON.parse(last) as Sent;
}

interface Seen {
  readonly sent: Sent;
  readonly rss: readonly number[];
  readonly cpuS: number;
  readonly where: string;
}

async function judge(
  on: string,
  { nodes, seconds }: Load,
  { sent, rss, cpuS, where }: Seen,
): Promise<boolean> {
  const db = openDatabase(where);
  const [row] = await db.query<{ held: bigint; rows: bigint }>(
    `SELECT (SELECT sum(received) FROM stream WHERE name = 'climate') AS held, (SELECT count(*) FROM reading) AS rows`,
  );
  await db.close();
  const bytes =
    on === 'sqlite' ? `, ${(statSync(where).size / Number(row!.rows)).toFixed(0)} bytes a row` : '';
  const [early = 0, late = 0] = [rss[Math.floor(rss.length / 3)], rss.at(-1)];
  const isWhole =
    sent.acknowledged === sent.sent && row!.held === BigInt(sent.sent) && row!.rows === row!.held;
  const isFlat = late <= early * GROWTH_MAX;
  process.stdout.write(
    `${on}: ${nodes} nodes, ${seconds} s: ${sent.sent} rows sent, ${sent.acknowledged} acknowledged, ${row!.held} held, ${row!.rows} readings${bytes}; ` +
      `${sent.closed} connections ended, ${sent.late} seconds late; fleet process ${((100 * cpuS) / seconds).toFixed(0)} % of a core, ` +
      `resident ${rss.map((mib) => mib.toFixed(0)).join(' ')} MiB${isWhole ? '' : '  LOST'}${isFlat ? '' : '  GROWS'}\n`,
  );
  return isWhole && isFlat;
}

async function listens(port: number): Promise<void> {
  for (let tries = 0; ; tries++) {
    const response = await fetch(`http://127.0.0.1:${port}/health`).catch(() => undefined);
    if (response?.ok) return;
    if (tries > 300) throw new Error('the fleet does not come up');
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}

function residentMiB({ pid }: ChildProcess): number {
  return Number(/^VmRSS:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024;
}

/** User and system (proc_pid_stat(5), fields 14 and 15), at 100 ticks a second. */
function cpuSeconds({ pid }: ChildProcess): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

process.exitCode = (await main()) ? 0 : 1;
