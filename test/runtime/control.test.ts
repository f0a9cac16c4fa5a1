import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createConnection, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { ask, ControlError, controlPath, follow } from '../../runtime/control.js';
import { ControlServer } from '../../runtime/control-server.js';

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-control-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

async function serve(t: TestContext, deadlineMs = 10_000) {
  const path = controlPath(join(folderFor(t), 'store'));
  const asked: string[] = [];
  const warnings: string[] = [];
  const ended: number[] = [];
  const answer = (command: string, params: unknown) => {
    asked.push(command);
    if (command === 'fail') throw new Error('no status today');
    if (command === 'count') return count(params as { to: number }, ended);
    if (command === 'late') return Promise.reject(new Error('not in time'));
    return { command, bootNs: 2n ** 63n - 1n };
  };
  const server = new ControlServer({ path, answer, log: (_, text) => warnings.push(text), deadlineMs });
  await server.start();
  t.after(() => server.stop());
  return { path, asked, warnings, server, ended };
}

async function* count({ to }: { to: number }, ended: number[]): AsyncGenerator<unknown> {
  let at = 0;
  try {
    for (; at < to; at++) yield { at, padding: 'x'.repeat(1000) };
  } finally {
    ended.push(at);
  }
}

/** All that comes back for these pieces, to the end of the connection. */
function raw(path: string, ...pieces: string[]): Promise<string> {
  return new Promise((resolve) => {
    let got = '';
    const socket = createConnection(path, async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setTimeout(resolve, 5));
      }
    });
    socket.setEncoding('utf8').on('data', (chunk) => {
      got += chunk;
    });
    // Cut off while it still writes: what came is what counts.
    socket.on('error', () => socket.destroy()).on('close', () => resolve(got));
  });
}

const connected = (path: string) =>
  new Promise<Socket>((resolve, reject) => {
    const socket = createConnection(path, () => resolve(socket)).on('error', reject);
  });

const refusal = (text: RegExp) => (error: unknown) =>
  error instanceof ControlError && text.test(error.message);

test('clients are answered a line of JSON each, 64-bit numbers as digits; the socket is 0660', async (t) => {
  const { path } = await serve(t);
  assert.equal(statSync(path).mode & 0o777, 0o660);
  const answers = await Promise.all([ask(path, 'status'), ask(path, 'other')]);
  assert.deepEqual(answers, [
    { command: 'status', bootNs: '9223372036854775807' },
    { command: 'other', bootNs: '9223372036854775807' },
  ]);
});

test('one request a connection: what comes after its line is not answered', async (t) => {
  const { path, asked } = await serve(t);
  const answer = await raw(path, 'sta', 'tus\r\nmore\n', 'again\n');
  assert.equal(JSON.parse(answer).command, 'status');
  assert.deepEqual(asked, ['status']);
  await raw(path, `flood\n${'more\n'.repeat(100_000)}`);
  assert.deepEqual(asked, ['status', 'flood']);
});

test('a request over 256 KiB is refused, its line ended or not', async (t) => {
  const { path, asked } = await serve(t);
  const max = 256 * 1024;
  assert.match(await raw(path, `${'x'.repeat(max + 1)}\n`), /262144 bytes at most/);
  assert.match(await raw(path, 'x'.repeat(max / 2), 'x'.repeat(max / 2 + 1)), /262144 bytes at most/);
  assert.deepEqual(asked, []);
  assert.match(await raw(path, `${'y'.repeat(max)}\n`), /"command":"y{262144}"/);
});

test('an answer that throws is said to who asked, and the node goes on', async (t) => {
  const { path, warnings } = await serve(t);
  await assert.rejects(ask(path, 'fail'), refusal(/fail could not be answered: no status today/));
  assert.equal(warnings.length, 1);
  assert.ok(await ask(path, 'status'));
});

test('a client that drips its request is cut off at the deadline', async (t) => {
  const { path } = await serve(t, 60);
  const began = Date.now();
  assert.equal(await raw(path, ...'dripdripdripdripdripdripdripdrip'), '');
  assert.ok(Date.now() - began < 1000);
});

test('the ninth at once is told to come again, and is served when others have gone', async (t) => {
  const { path } = await serve(t);
  const idle = await Promise.all(Array.from({ length: 8 }, () => connected(path)));
  await assert.rejects(ask(path, 'status'), refusal(/8 others are asking/));
  for (const socket of idle) socket.destroy();
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.ok(await ask(path, 'status'));
});

test('a stop waits for nobody and leaves no socket; then nobody answers', async (t) => {
  const { path, server } = await serve(t);
  const idle = await connected(path);
  const began = Date.now();
  await server.stop();
  assert.ok(Date.now() - began < 1000);
  idle.destroy();
  assert.ok(!existsSync(path));
  assert.equal(await ask(path, 'status'), undefined);
});

test("a dead process's socket answers nobody, and a new node takes its place", async (t) => {
  const path = controlPath(join(folderFor(t), 'store'));
  const script = `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  assert.ok(statSync(path).isSocket());
  assert.equal(await ask(path, 'status'), undefined);
  const server = new ControlServer({ path, answer: () => ({ here: true }), log: () => undefined });
  await server.start();
  assert.deepEqual(await ask(path, 'status'), { here: true });
  await server.stop();
});

test('a path of 107 bytes is served, of 108 refused with the limit named', async (t) => {
  const folder = folderFor(t);
  const room = 107 - '.sock'.length - folder.length - 1;
  const path = controlPath(join(folder, 'é'.repeat(10) + 's'.repeat(room - 20)));
  assert.equal(Buffer.byteLength(path), 107);
  const server = new ControlServer({ path, answer: () => 1, log: () => undefined });
  await server.start();
  assert.ok(statSync(path).isSocket());
  assert.equal(await ask(path, 'status'), 1);
  await server.stop();
  assert.throws(() => controlPath(join(folder, 's'.repeat(room + 1))), refusal(/108 bytes, .* 107 at most/));
  assert.throws(() => controlPath(join(folder, `é${'s'.repeat(room - 1)}`)), refusal(/108 bytes/));
});

test('who asks is told of silence, nonsense and a flood; a half answer is none', async (t) => {
  const path = join(folderFor(t), 'x.sock');
  let reply: string | undefined;
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy());
    if (reply !== undefined) socket.end(reply);
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  t.after(() => server.close());
  await assert.rejects(ask(path, 'status', { deadlineMs: 50 }), refusal(/no answer within 50 ms/));
  reply = 'hello\n';
  await assert.rejects(ask(path, 'status'), refusal(/no node/));
  reply = `"${'x'.repeat(2 ** 21)}"\n`;
  await assert.rejects(ask(path, 'status'), refusal(/over 2097152 bytes/));
  reply = '{"half":';
  assert.equal(await ask(path, 'status'), undefined);
});

test('an answer in pieces: each as it comes, no faster than it is taken, and given up when nobody listens', async (t) => {
  const { path, ended, warnings } = await serve(t);
  const all: unknown[] = [];
  for await (const value of follow(path, 'count', { to: 3 }, AbortSignal.timeout(5000))) all.push(value);
  assert.deepEqual(
    all.map((value) => (value as { at: number }).at),
    [0, 1, 2],
  );
  const end = new AbortController();
  let taken = 0;
  for await (const _ of follow(path, 'count', { to: 1e9 }, end.signal)) {
    if (++taken === 2) await new Promise((resolve) => setTimeout(resolve, 100));
    if (taken === 3) end.abort();
  }
  for (let waited = 0; ended.length < 2 && waited < 5000; waited += 5)
    await new Promise((resolve) => setTimeout(resolve, 5));
  assert.equal(ended[0], 3);
  assert.ok(
    ended[1]! < 20_000,
    `${ended[1]} were made, for the kernel's buffers and one that was never taken`,
  );
  assert.deepEqual(warnings, []);
});

test('an answer that comes late, and one that fails; what is no request', async (t) => {
  const { path } = await serve(t);
  await assert.rejects(ask(path, 'late'), refusal(/late could not be answered: not in time/));
  assert.match(await raw(path, 'status {"half\n'), /status could not be answered: .*JSON/);
  assert.equal(
    await ask(path, 'status', { params: { any: 1 } }).then((value) => (value as { command: string }).command),
    'status',
  );
});

test('a file that is no socket is no node', async (t) => {
  const path = join(folderFor(t), 'x.sock');
  assert.equal(await ask(path, 'status'), undefined);
  writeFileSync(path, '');
  assert.equal(await ask(path, 'status'), undefined);
});
