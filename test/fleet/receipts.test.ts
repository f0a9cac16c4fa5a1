import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { createPublicKey } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  BATCH_MS,
  createReceiver,
  heldBy,
  Receipts,
  readReceiptKey,
  startReceiver,
} from '../../fleet/receive/index.js';
import { type DecodedHeader, native } from '../../native/index.js';
import { blockTopic, type HeldBlock, openReceipt, type Receipt, receiptTopic } from '../../wire/index.js';
import { newKey } from '../uplink/fleet-rig.js';

const NODE = '0123456789abcdef';
const EPOCH = 'fedcba9876543210';
const KEY = newKey();

function block(first: number, values: readonly number[], node = NODE): Uint8Array {
  const header = { node, epoch: EPOCH, stream: 'climate', first, boot: 1, descriptorVersion: 1 };
  return native.encodeBlock(header, [{ kind: 'f64' }], {
    timesNs: BigInt64Array.from(values, (_, i) => BigInt(i)),
    values: Float64Array.from(values),
    quality: new Uint8Array(values.length),
  });
}

const headerOf = (first: number, node = NODE): DecodedHeader =>
  native.decodeHeader(block(first, [first], node));

/** Receipts over a broker that can be away. */
function signer() {
  const broker = { away: false, tries: 0, sent: [] as { topic: string; receipt: Receipt }[] };
  const receipts = new Receipts({
    key: KEY,
    firstIssue: 1_000,
    publish: (topic, payload) => {
      broker.tries += 1;
      if (broker.away) return false;
      broker.sent.push({
        topic,
        receipt: openReceipt(payload, (kid) => (kid === KEY.kid ? KEY.publicKey : undefined)),
      });
      return true;
    },
  });
  return { broker, receipts };
}

test('one receipt a node for what came within the batch, full ones at once', async (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { broker, receipts } = signer();
  const other = 'ffffffffffffffff';
  for (let first = 0; first < 300; first++) receipts.held(headerOf(first));
  receipts.held(headerOf(7, other));
  assert.deepEqual(
    broker.sent.map(({ receipt }) => receipt.blocks.length),
    [256],
  );
  t.mock.timers.tick(BATCH_MS);
  assert.deepEqual(
    broker.sent.map(({ topic, receipt }) => [topic, receipt.node, receipt.issue, receipt.blocks.length]),
    [
      [receiptTopic(NODE), NODE, 1_000, 256],
      [receiptTopic(NODE), NODE, 1_001, 44],
      [receiptTopic(other), other, 1_002, 1],
    ],
  );
  const { crc, count } = headerOf(7, other);
  assert.deepEqual(broker.sent[2]!.receipt.blocks, [
    { epoch: EPOCH, stream: 'climate', first: 7, count, crc },
  ]);
  t.mock.timers.tick(10 * BATCH_MS);
  assert.equal(broker.sent.length, 3);
});

test('while the broker is away receipts wait, bounded; then all of them leave', (t) => {
  t.mock.timers.enable({ apis: ['setTimeout'] });
  const { broker, receipts } = signer();
  broker.away = true;
  const header = headerOf(1);
  for (let first = 0; first < 70_000; first++) receipts.held({ ...header, first });
  t.mock.timers.tick(BATCH_MS);
  assert.deepEqual([receipts.signed, receipts.dropped], [0, 70_000 - 65_536]);
  assert.equal(broker.tries, 65_536 / 256 + 1, 'once a full batch, and once when its time is up');
  broker.away = false;
  receipts.flush();
  assert.equal(receipts.signed, 65_536);
  assert.ok(broker.sent.every(({ receipt }) => receipt.blocks.length <= 256));
});

const topic = blockTopic(NODE, 'telemetry', 'climate');

test('a double is held; a conflict is held as what it is; what is invalid is not', () => {
  const receiver = createReceiver();
  const held = (bytes: Uint8Array): Partial<HeldBlock> | undefined => heldBy(receiver.take(topic, bytes));
  const [mine, other] = [block(0, [1, 2]), block(0, [1, 3])];
  const [crc, otherCrc] = [mine, other].map((bytes) => native.decodeHeader(bytes).crc);
  assert.equal(held(mine)?.crc, crc);
  assert.equal(held(mine)?.crc, crc, 'the first receipt may be lost');
  assert.equal(held(other)?.crc, otherCrc, 'it was handed out too');
  const conflict = receiver.take(topic, other);
  assert.ok(conflict.kind === 'rows' && conflict.rows.conflict);
  assert.equal(heldBy(receiver.take(`${topic}x`, mine)), undefined);
  assert.equal(held(mine.subarray(1)), undefined);
});

test('a double whose bytes are forgotten is handed out again, marked, and only then held', () => {
  const receiver = createReceiver();
  const many = 5_000;
  for (let first = 0; first < many; first++) receiver.take(topic, block(first, [first]));
  assert.equal(
    receiver.take(topic, block(many - 1, [many - 1])).kind,
    'duplicate',
    'the last 4096 are remembered',
  );
  const again = receiver.take(topic, block(0, [0]));
  assert.ok(again.kind === 'rows' && again.rows.again && !again.rows.conflict);
  assert.equal(receiver.take(topic, block(0, [0])).kind, 'duplicate', 'now it is remembered');
  const other = receiver.take(topic, block(1, [99]));
  assert.ok(other.kind === 'rows' && other.rows.again, 'perhaps a conflict: its rows are kept');
  const [line] = receiver.summary();
  assert.deepEqual([line!.received, line!.missing, line!.duplicates, line!.conflicts], [many, 0, 4, 0]);
});

test('what is remembered survives the rewriting of the journal', () => {
  const before = createReceiver();
  for (let first = 0; first < 100; first++) before.take(topic, block(first, [first]));
  const after = createReceiver();
  after.restore(JSON.parse(JSON.stringify([...before.facts()])));
  for (let first = 0; first < 100; first++)
    assert.equal(after.take(topic, block(first, [first])).kind, 'duplicate');
  const conflict = after.take(topic, block(5, [99]));
  assert.ok(conflict.kind === 'rows' && conflict.rows.conflict);
});

test('a key as openssl makes it; one that others may read, or of another kind, is refused with what to do', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-receipt-key-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'receipt.key');
  const genpkey = (algorithm: string) =>
    execFileSync('openssl', ['genpkey', '-algorithm', algorithm, '-out', path], { stdio: 'pipe' });
  genpkey('ed25519');
  chmodSync(path, 0o640);
  assert.throws(() => readReceiptKey(path), /others may read it \(mode 640\); do: chmod 600/);
  chmodSync(path, 0o600);
  const { kid, privateKey } = readReceiptKey(path);
  assert.equal(createPublicKey(privateKey).asymmetricKeyType, 'ed25519');
  assert.match(kid, /^[0-9a-f]{16}$/);
  await assert.rejects(
    startReceiver({ url: 'mqtt://127.0.0.1:1', clientId: 'r', receiptKey: { kid, privateKey } }),
    /want a ledger file/,
  );
  genpkey('x25519');
  assert.throws(() => readReceiptKey(path), /of type x25519; an Ed25519 private key/);
  writeFileSync(path, 'hello');
  assert.throws(() => readReceiptKey(path), /no private key .*openssl genpkey/);
  assert.equal(readFileSync(path, 'utf8'), 'hello');
});
