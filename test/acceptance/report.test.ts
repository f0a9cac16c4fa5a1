import assert from 'node:assert/strict';
import { createHash, createPublicKey, verify } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { systemClock } from '../../runtime/clock/index.js';
import type { Caller, SessionNotes } from '../../runtime/console/command.js';
import { journalFolder, openHere } from '../../runtime/console/journal/here.js';
import { runCommand } from '../../runtime/console/table.js';
import { controlPath } from '../../runtime/control.js';
import { callingOf } from '../support/calling.js';
import { StubBroker } from '../support/stub-broker.js';
import { TestNode } from './harness.js';

const nodeFile = (url: string) => `
node: at-the-roadside
board: twin
parts: { climate: { driver: bme280, bus: i2c-1, address: 0x76 } }
store: { path: STORE, size: 16 MB }
uplink: { url: "${url}" }
`;
const ROE: Caller = { role: 'technician', name: 'A. Roe' };
const LINE = '/dev/ttyS0';

function sessionOn(node: TestNode) {
  const state = join(node.folder, 'console');
  const journal = openHere(state, LINE, () => controlPath(node.storePath), assert.fail);
  const notes: SessionNotes = {
    options: { state },
    journal: journalFolder(state, LINE),
    beganNs: systemClock().nowNs(),
    seal: () => journal.seal(),
  };
  void journal.append({ e: 'begin', ...ROE });
  const run = async (words: readonly string[]) => {
    const said: string[] = [];
    const told = { out: (text: string) => said.push(text), err: (text: string) => said.push(text) };
    const calling = callingOf(told, { caller: ROE, session: notes });
    const exit = await runCommand([...words, '--config', node.configFile], calling);
    await journal.append({ e: 'command', ...ROE, line: words.join(' '), exit, ms: 5 });
    return { exit, said };
  };
  return { run, notes, journal };
}

async function rig(t: TestContext) {
  const stub = await StubBroker.start();
  const node = new TestNode(nodeFile(stub.url));
  t.after(async () => {
    await node.remove();
    stub.close();
  });
  return { stub, node };
}

test('a session’s report: found, done, proven, signed with the journal’s head, kept, and its receipt told', {
  timeout: 120_000,
}, async (t) => {
  const { stub, node } = await rig(t);
  const topics: string[] = [];
  stub.onPublish = ({ topic, puback }) => {
    topics.push(topic);
    puback(0);
  };
  node.start();
  await node.until('it sends', ({ uplink }) => uplink!.receipts > 0);
  const { run, notes, journal } = sessionOn(node);
  const looked = await run(['why', '--quick']);
  // A machine of a test may have a clock that nobody sets.
  const kinds = notes.found?.causes.map(({ kind }) => kind).filter((kind) => kind !== 'time.unset');
  assert.deepEqual(kinds, []);
  await run(['config', 'show', '--brief']);
  const { exit, said } = await run(['report', '--json', '--note', 'new cable']);
  assert.equal(exit, 0, said.join('\n'));
  assert.deepEqual(said.slice(1), ['Kept as events 0.', 'It left: the broker has it (its PUBACK).']);
  assert.ok(topics.some((topic) => topic.endsWith('/event/events')));

  const { report, sha256, signature } = JSON.parse(said[0]!);
  assert.deepEqual(
    report.done.commands.map(({ line, exit: code }: { line: string; exit: number }) => [line, code]),
    [
      ['why --quick', looked.exit],
      ['config show --brief', 0],
    ],
  );
  assert.equal(report.note, 'new cable');
  assert.deepEqual(report.by, ROE);
  const [climate] = report.proven.parts;
  assert.match(climate.reading, /^temperature -?[\d.]+ Cel, pressure [\d.]+ Pa, humidity [\d.]+ %RH$/);
  assert.ok(climate.ageMs < 10_000 && report.proven.store.committedRows > 0);
  assert.ok(report.proven.uplink.receipts > 0 && report.proven.uplink.lastReceiptMs >= 0);

  // The journal's last entry is the node's signature of the one before it.
  const head = (await journal.entries()).find(({ n }) => n === report.journal.number)!;
  assert.equal(head.e, 'signed');
  assert.equal(report.journal.signedTo, report.journal.number - 1);
  const lines = readFileSync(join(notes.journal, '0000000001.jsonl'), 'utf8').split('\n');
  const line = lines.find((text) => text.startsWith(`{"n":${head.n},`))!;
  assert.equal(report.journal.hash, createHash('sha256').update(line).digest('hex'));

  // By node:crypto alone: the bytes of the report as they stand in the line.
  const bytes = said[0]!.slice('{"report":'.length, said[0]!.indexOf(',"sha256":"'));
  const hash = createHash('sha256').update(bytes).digest();
  assert.equal(hash.toString('hex'), sha256);
  const key = createPublicKey(readFileSync(join(node.folder, 'identity/node.pub')));
  const signed = Buffer.concat([Buffer.from('cairn report\n'), hash]);
  assert.ok(verify(null, signed, key, Buffer.from(signature, 'base64')));

  // The session's own folder, without being told.
  const listed = await run(['journal', 'ttyS0']);
  assert.match(listed.said[0]!, /^ttyS0 1 .* technician A\. Roe is in$/);

  // Off the node, and once a letter of it is another.
  const file = join(node.folder, 'report.json');
  const pub = join(node.folder, 'identity/node.pub');
  writeFileSync(file, `${said[0]}\n`);
  const whole = await run(['report', '--verify', file, '--key', pub]);
  assert.deepEqual([whole.exit, whole.said.at(-1)], [0, `whole: signed by node ${report.node}`]);
  writeFileSync(file, said[0]!.replace('new cable', 'old cable'));
  const wrong = await run(['report', '--verify', file, '--key', pub]);
  assert.deepEqual([wrong.exit, wrong.said], [1, ['WRONG: what it says is not what was signed']]);

  // In the store of the killed node it is the same text.
  await node.stop('SIGKILL');
  const alone = await run(['report']);
  assert.equal(alone.exit, 1);
  assert.match(alone.said.join('\n'), /^wrong {3}node: the node doesn’t run/m);
  assert.match(alone.said.join('\n'), /Nobody signed it and it is not kept: no node runs/);
});

test('without a link the report waits in the store, and that is said', { timeout: 120_000 }, async (t) => {
  const { stub, node } = await rig(t);
  stub.close();
  node.start();
  await node.until('it samples', ({ store }) => store.committedRows > 0);
  const { run } = sessionOn(node);
  const { exit, said } = await run(['report']);
  assert.equal(exit, 0, said.join('\n'));
  assert.equal(said.at(-1), 'It leaves with the next link.');
  assert.ok(said.every(({ length }) => length <= 80));
});
