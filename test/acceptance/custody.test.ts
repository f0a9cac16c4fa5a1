import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, closeSync, openSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import type { SummaryLine } from '../../fleet/receive/index.js';
import type { PrintedRow } from '../../fleet/receive/print.js';
import { startMosquitto, WITHOUT_MOSQUITTO } from '../support/broker.js';
import { TcpProxy } from '../support/proxy.js';
import { TestNode } from './harness.js';

/** The suite's run is short; `npm run nightly` has a longer one. */
const RUN_MS = Number(process.env.CAIRN_CUSTODY_RUN_MS ?? 12_000);
const KILLS = 3;
const RATE_HZ = 100;
/** So many each life of the node commits at the least, however long a busy machine takes for them. */
const ROWS_OF_A_LIFE = (RATE_HZ * RUN_MS) / 1000 / (2 * KILLS);
const RECEIVER = fileURLToPath(new URL('../../fleet/receive/main.js', import.meta.url));

function nodeFile(port: number, every: string): string {
  return `
node: custody
board: twin
parts:
  a: { driver: lis3mdl, bus: i2c-1, address: 0x1c, every: ${every}, dataRateHz: 80 }
  b: { driver: lis3mdl, bus: i2c-1, address: 0x1e, every: ${every}, dataRateHz: 80 }
log: error
store: { path: STORE, size: 64 MB, commit: 200ms, reserve: 1s }
uplink:
  url: mqtt://127.0.0.1:${port}
  backoff: { min: 100ms, max: 1s }
  fleetKeys: [{ file: FOLDER/fleet.pub }]
  receipt: 5s
`;
}

/** `cairn-receive` as its user runs it, its rows in a file. */
class ReceiverProcess {
  readonly rowsFile: string;
  #child: ChildProcess | undefined;

  constructor(
    private readonly folder: string,
    private readonly url: string,
  ) {
    this.rowsFile = join(folder, 'rows.jsonl');
  }

  start(): void {
    const [out, err] = [openSync(this.rowsFile, 'a'), openSync(join(this.folder, 'receiver.log'), 'a')];
    const files = [
      '--ledger',
      join(this.folder, 'ledger.jsonl'),
      '--receipt-key',
      join(this.folder, 'receipt.key'),
    ];
    this.#child = spawn(process.execPath, [RECEIVER, '--url', this.url, '--json', ...files], {
      stdio: ['ignore', out, err],
    });
    for (const file of [out, err]) closeSync(file);
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  /** What it printed in all its lives; the last line of a clean end is the ledger. */
  printed(): { rows: readonly PrintedRow[]; ledger: readonly SummaryLine[] } {
    const lines = readFileSync(this.rowsFile, 'utf8').split('\n').filter(Boolean);
    const objects = lines.flatMap((line): (PrintedRow & { ledger?: SummaryLine[] })[] => {
      try {
        return [JSON.parse(line)];
      } catch {
        // Torn by a kill: it was not acknowledged, and was printed again.
        return [];
      }
    });
    return { rows: objects.filter((one) => !one.ledger), ledger: objects.at(-1)?.ledger ?? [] };
  }
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('FAULTS 30: node and receiver killed at random, a proxy that loses answers: custody fleet loses no row, and the store empties', {
  skip: WITHOUT_MOSQUITTO,
  timeout: 4 * RUN_MS + 120_000,
}, async (t) => {
  const broker = await startMosquitto();
  const proxy = await TcpProxy.start(broker.port);
  const node = new TestNode(nodeFile(proxy.port, '20ms'));
  const receiver = new ReceiverProcess(node.folder, broker.url);
  t.after(async () => {
    await node.remove();
    await receiver.stop('SIGKILL');
    proxy.close();
    await broker.remove();
  });
  const key = join(node.folder, 'receipt.key');
  execFileSync('openssl', ['genpkey', '-algorithm', 'ed25519', '-out', key], { stdio: 'pipe' });
  chmodSync(key, 0o600);
  execFileSync('openssl', ['pkey', '-in', key, '-pubout', '-out', join(node.folder, 'fleet.pub')]);

  let [chunks, lost] = [0, 0];
  proxy.losesDown = () => ++chunks % 40 === 0 && ++lost > 0;
  receiver.start();
  node.start();
  let acknowledged = 0;
  /** A life's rows, and some time more; what the node says of them is a promise. */
  const live = async () => {
    const { store } = await node.until(
      'rows',
      ({ store: { committedRows } }) => committedRows >= ROWS_OF_A_LIFE,
      RUN_MS + 60_000,
    );
    acknowledged += store.committedRows;
    await pause(Math.random() * (RUN_MS / (2 * KILLS)));
  };
  for (let kill = 1; kill <= KILLS; kill++) {
    await live();
    await node.stop('SIGKILL');
    node.start();
    await pause((RUN_MS / (2 * KILLS)) * Math.random());
    await receiver.stop('SIGKILL');
    await pause(500);
    receiver.start();
  }
  await live();

  // The same node, now nearly silent: what is in its store can leave to the last block.
  await node.stop('SIGKILL');
  proxy.losesDown = () => false;
  const quiet = nodeFile(proxy.port, '1h')
    .replaceAll('STORE', node.storePath)
    .replaceAll('FOLDER', node.folder);
  writeFileSync(node.configFile, `identity: ${join(node.folder, 'identity')}\n${quiet}`);
  node.start();
  const empty = await node.until(
    'the store is empty',
    ({ store, uplink }) => (uplink?.receipts ?? 0) > 0 && store.classes.every((one) => one.blocks === 0),
    60_000,
  );
  assert.equal(await node.stop(), 0, node.log.slice(-2000));
  await receiver.stop('SIGTERM');
  const { rows, ledger } = receiver.printed();
  const of = (stream: string) =>
    new Set(rows.filter((row) => row.stream === stream).map((row) => row.sequence));
  let doubles = 0;
  for (const stream of ['a', 'b']) {
    const line = ledger.find((one) => one.stream === stream);
    assert.ok(line, `the ledger has ${stream}: ${ledger.map((one) => one.stream)}`);
    const gaps = Object.values(line.gaps).reduce((sum, count) => sum + count, 0);
    assert.deepEqual([line.missing, line.conflicts, line.contradictions], [0, 0, 0], JSON.stringify(line));
    assert.deepEqual(
      Object.keys(line.gaps).filter((cause) => cause !== 'uncleanStop'),
      [],
    );
    assert.equal(line.received + gaps, line.next);
    assert.equal(of(stream).size, line.received, 'what the ledger holds was handed out');
    doubles += line.duplicates;
  }
  // All streams, as the node counts them; and each life had its load.
  const received = ledger.reduce((sum, line) => sum + line.received, 0);
  assert.ok(received >= acknowledged, `${received} of ${acknowledged} acknowledged`);
  assert.ok(lost > 0 && empty.uplink?.custody === 'fleet');
  t.diagnostic(
    `${KILLS} kills of the node, ${KILLS} of the receiver, ${lost} answers lost: ${received} rows received, 0 lost, ${doubles} doubles dropped, 0 blocks left`,
  );
});
