import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { type Message, Spool } from '../../../fleet/ingest/index.js';
import { DISK, type Disk } from '../../../fleet/ingest/record-file.js';

const root = mkdtempSync(join(tmpdir(), 'cairn-spool-'));
after(() => rmSync(root, { recursive: true, force: true }));
let count = 0;
const folderOf = () => join(root, String(++count));
const message = (i: number, bytes = 20): Message => {
  return { topic: `t/${i}`, payload: Buffer.alloc(bytes, i), receivedMs: 1_790_000_000_000 + i };
};
const plain = ({ topic, payload, receivedMs }: Message) => [
  topic,
  Buffer.from(payload).toString('hex'),
  receivedMs,
];

async function all(spool: Spool): Promise<Message[]> {
  const messages: Message[] = [];
  for (let some = await spool.oldest(7); some.length > 0; some = await spool.oldest(7)) {
    messages.push(...some);
    await spool.done(some.length);
  }
  await spool.close();
  return messages;
}

test('what was appended is read back in its order, over segments and processes, and its files go', async () => {
  const options = { folder: folderOf(), maxBytes: 1 << 20, segmentBytes: 200 };
  const spool = await Spool.open(options);
  const sent = Array.from({ length: 40 }, (_, i) => message(i));
  for (let at = 0; at < 40; at += 4) await spool.append(sent.slice(at, at + 4));
  await spool.close();
  const again = await Spool.open(options);
  assert.deepEqual((await all(again)).map(plain), sent.map(plain));
  assert.deepEqual([again.isEmpty, again.bytes, readdirSync(options.folder)], [true, 0, []]);
});

test('what is appended while it is read back comes after; what was not done comes again', async () => {
  const options = { folder: folderOf(), maxBytes: 1 << 20 };
  const spool = await Spool.open(options);
  await spool.append([message(0), message(1), message(2)]);
  assert.equal((await spool.oldest(2)).length, 2);
  await spool.done(2);
  await spool.append([message(3)]);
  assert.deepEqual(
    (await spool.oldest(9)).map(({ topic }) => topic),
    ['t/2'],
  );
  await spool.close();
  const again = await Spool.open(options);
  assert.deepEqual(
    (await all(again)).map(({ topic }) => topic),
    ['t/0', 't/1', 't/2', 't/3'],
  );
});

test('a torn tail is cut, wherever it is torn', async () => {
  const folder = folderOf();
  const spool = await Spool.open({ folder, maxBytes: 1 << 20 });
  await spool.append([message(0), message(1)]);
  const whole = spool.bytes;
  await spool.append([message(2)]);
  await spool.close();
  const end = spool.bytes;
  for (let at = whole; at < end; at++) {
    const torn = folderOf();
    cpSync(folder, torn, { recursive: true });
    const file = join(torn, readdirSync(torn)[0]!);
    truncateSync(file, at);
    if (at % 2) appendFileSync(file, Buffer.alloc(30));
    const opened = await Spool.open({ folder: torn, maxBytes: 1 << 20 });
    assert.equal(opened.bytes, whole);
    await opened.append([message(9)]);
    assert.deepEqual(
      (await all(opened)).map(({ topic }) => topic),
      ['t/0', 't/1', 't/9'],
      `torn at ${at}`,
    );
  }
});

test('rot in a sealed segment costs what is behind it there, which is put aside and said', async () => {
  const options = { folder: folderOf(), maxBytes: 1 << 20, segmentBytes: 100 };
  const spool = await Spool.open(options);
  for (let i = 0; i < 6; i++) await spool.append([message(i)]);
  await spool.close();
  const file = join(options.folder, readdirSync(options.folder).sort()[0]!);
  const bytes = readFileSync(file);
  bytes[70]! ^= 1;
  writeFileSync(file, bytes);
  const again = await Spool.open(options);
  assert.equal(again.damaged, 1);
  const topics = (await all(again)).map(({ topic }) => topic);
  assert.deepEqual([topics[0], topics.at(-1)], ['t/0', 't/5']);
  assert.ok(readdirSync(options.folder).every((name) => name.endsWith('.damaged')));
});

test('it is bounded, and what finds no room is not held', async () => {
  const spool = await Spool.open({ folder: folderOf(), maxBytes: 100 });
  await spool.append([message(0)]);
  await assert.rejects(spool.append([message(1), message(2)]), /of 100 bytes are used/);
  assert.deepEqual(
    (await all(spool)).map(({ topic }) => topic),
    ['t/0'],
  );
  await spool.append([message(1), message(2)]);
});

test('a disk that refuses a sync holds nothing of that batch, and takes the next one', async () => {
  let fails = false;
  const disk: Disk = {
    ...DISK,
    open: async (...path: Parameters<Disk['open']>) => {
      const file = await DISK.open(...path);
      const { datasync } = file;
      file.datasync = () => (fails ? Promise.reject(new Error('EIO')) : datasync.call(file));
      return file;
    },
  };
  const folder = folderOf();
  const spool = await Spool.open({ folder, maxBytes: 1 << 20, disk });
  await spool.append([message(0)]);
  fails = true;
  for (let tries = 0; tries < 3; tries++) await assert.rejects(spool.append([message(1)]), /EIO/);
  assert.equal(readdirSync(folder).length, 1, 'no further files');
  fails = false;
  await spool.append([message(2)]);
  assert.deepEqual(
    (await all(spool)).map(({ topic }) => topic),
    ['t/0', 't/2'],
  );
});

test('kill -9 at any moment loses nothing that was acknowledged', async () => {
  const child = join(fileURLToPath(import.meta.url), '..', 'spool-child.js');
  const folder = folderOf();
  let acknowledged = 0;
  const held = new Set<number>();
  for (let kill = 0; kill < 6; kill++) {
    const writer = spawn(process.execPath, [child, folder, String(acknowledged)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    writer.stdout.on('data', (chunk: Buffer) => {
      said += chunk.toString();
    });
    await once(writer.stdout, 'data');
    await new Promise((resolve) => setTimeout(resolve, (kill * 37) % 50));
    writer.kill('SIGKILL');
    await once(writer, 'close');
    acknowledged = Number(said.slice(0, said.lastIndexOf('\n')).split('\n').at(-1));
    const spool = await Spool.open({ folder, maxBytes: 1 << 26, segmentBytes: 20_000 });
    // Half of the times it is read back, in part, and left.
    if (kill % 2) for (const { topic } of await spool.oldest(500)) held.add(Number(topic.slice(2)));
    if (kill % 2) await spool.done((await spool.oldest(500)).length);
    await spool.close();
  }
  const spool = await Spool.open({ folder, maxBytes: 1 << 26 });
  for (const { topic, payload } of await all(spool)) {
    const i = Number(topic.slice(2));
    held.add(i);
    assert.ok(Buffer.from(payload).equals(Buffer.alloc(20 + (i % 2000), i)));
  }
  assert.ok(acknowledged > 50, `${acknowledged} were acknowledged`);
  for (let i = 0; i < acknowledged; i++) assert.ok(held.has(i), `${i} was acknowledged and is gone`);
});
