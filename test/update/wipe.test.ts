import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { ensureIdentity } from '../../runtime/identity.js';
import { openStore } from '../../runtime/store/index.js';
import { parseRecord, textFiles } from '../../runtime/text-files.js';
import { RECORDS } from '../../runtime/update/records.js';
import { State } from '../../runtime/update/state-files.js';
import { finishWipe } from '../../runtime/update/wipe.js';
import { MAIN, TestNode } from '../acceptance/harness.js';
import { openTest, rowsOf, temporary, testOptions } from '../store/support.js';

const CHILD = fileURLToPath(new URL('./wipe-child.js', import.meta.url));

/** A node's folder with a store of 1000 rows, an identity, a console's records. */
async function makeNode(folder: string) {
  const store = await openTest(testOptions(join(folder, 'store')));
  store.append(
    rowsOf(
      't',
      Array.from({ length: 1000 }, (_, i) => i),
    ),
  );
  await store.flush();
  await store.close();
  ensureIdentity(join(folder, 'identity'));
  for (const [name, text] of Object.entries({
    'identity/notes.txt': 'mine',
    'console/journal/ttyS0/0000000001.jsonl': '{}\n',
    'console/seen': '{}',
    'config/starts.json': '{"of":"x","crashes":0,"bootId":"b"}',
  })) {
    mkdirSync(join(folder, name, '..'), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return store.epoch;
}

function childOn(folder: string, what: string, dieAt: number) {
  const words = [
    CHILD,
    join(folder, 'node.yaml'),
    join(folder, 'identity'),
    join(folder, 'store'),
    what,
    String(dieAt),
  ];
  return spawnSync(process.execPath, words, { encoding: 'utf8' });
}

for (const what of ['store', 'all'])
  test(`killed at each step, a wipe of ${what} has done nothing, or is finished by the next start`, async (t) => {
    const template = temporary(t);
    const epoch = await makeNode(template);
    let steps = 0;
    for (let dieAt = 1; ; dieAt++, steps++) {
      const folder = join(temporary(t), 'node');
      cpSync(template, folder, { recursive: true });
      const died = childOn(folder, what, dieAt);
      if (died.signal === null) {
        assert.equal(died.status, 0, died.stderr);
        break;
      }
      assert.equal(died.signal, 'SIGKILL');
      if (!existsSync(join(folder, 'config/wipe.json'))) {
        assert.equal((await opened(folder)).epoch, epoch, 'before it was begun all is as it was');
        continue;
      }
      const places = { state: join(folder, 'config'), inbox: join(folder, 'console/inbox'), socket: '' };
      finishWipe(new State(textFiles(places.state), assert.fail), places, assert.fail);
      const wipe = parseRecord(RECORDS.wipe, readFileSync(join(folder, 'config/wipe.json'), 'utf8'));
      assert.ok(wipe.isDone);
      assert.deepEqual(readdirSync(join(folder, 'store')), []);
      assert.equal(existsSync(join(folder, 'identity/node.key')), what === 'store');
      assert.equal(existsSync(join(folder, 'console/journal')), what === 'store');
      assert.equal(existsSync(join(folder, 'config/starts.json')), what === 'store');
      assert.ok(existsSync(join(folder, 'identity/notes.txt')), 'what is not ours stays');
      const fresh = await opened(folder);
      assert.notEqual(fresh.epoch, epoch);
      assert.equal(fresh.rows, 0);
    }
    t.diagnostic(`${steps} steps`);
    assert.ok(steps >= 4);
  });

async function opened(folder: string) {
  const store = await openStore(testOptions(join(folder, 'store')));
  const rows = (await store.read('telemetry', undefined, 1e6, 1e9)).reduce(
    (sum, { header }) => sum + header.count,
    0,
  );
  const { epoch } = store;
  await store.close();
  return { epoch, rows };
}

const NODE = `
node: doomed
board: twin
store: { path: STORE, size: 16MB }
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 200ms }
`;

/** `cairn wipe`, and what is typed. */
function wipe(node: TestNode, typed: string, ...words: readonly string[]) {
  return new Promise<{ code: number | null; said: string }>((resolve) => {
    const child = spawn(process.execPath, [MAIN, 'wipe', ...words, '--config', node.configFile]);
    let said = '';
    child.stdout.on('data', (chunk) => (said += chunk));
    child.stderr.on('data', (chunk) => (said += chunk));
    child.on('exit', (code) => resolve({ code, said }));
    child.stdin.end(`${typed}\n`);
  });
}

test('a running node wipes its store and runs on in a new epoch; with --all it ends, and is nobody', async (t) => {
  const node = new TestNode(NODE);
  t.after(() => node.remove());
  node.start();
  const before = await node.until('rows', ({ store }) => store.committedRows > 20);
  const wrong = await wipe(node, 'yes');
  assert.equal(wrong.code, 2, wrong.said);
  assert.match(wrong.said, /LOST, because nobody has a receipt for them: .*\d+ telemetry/);
  assert.match(wrong.said, /Nothing was changed/);
  assert.equal((await node.status())?.store.epoch, before.store.epoch);

  const done = await wipe(node, 'doomed');
  assert.equal(done.code, 0, done.said);
  t.diagnostic(done.said);
  const after = await node.until('rows again', ({ store }) => store.committedRows > 0);
  assert.notEqual(after.store.epoch, before.store.epoch);
  assert.equal(after.store.node, before.store.node);
  assert.match(node.log, /wiped \(store\), by owner local/);

  const all = await wipe(node, 'doomed', '--all');
  assert.equal(all.code, 0, all.said);
  t.diagnostic(all.said);
  while (node.running) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(!existsSync(join(node.folder, 'identity/node.key')));
  assert.deepEqual(readdirSync(node.storePath), []);
  assert.ok(existsSync(node.configFile));
  node.start();
  while (node.running) await new Promise((resolve) => setTimeout(resolve, 20));
  assert.match(node.log, /no such key; make one with: cairn init/);
});

test('while no node runs the wipe is done at once; what is no store is left alone', async (t) => {
  const node = new TestNode(NODE);
  t.after(() => node.remove());
  mkdirSync(node.storePath);
  writeFileSync(join(node.storePath, 'thesis.doc'), 'mine');
  const refused = await wipe(node, 'doomed');
  assert.equal(refused.code, 1, refused.said);
  assert.match(refused.said, /is no store/);
  assert.deepEqual(readdirSync(node.storePath), ['thesis.doc']);
});
