import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { Qmp } from '../../hil/machine/qmp.js';
import { SerialConsole } from '../../hil/machine/serial-console.js';

const folder = mkdtempSync(join(tmpdir(), 'cairn-machine-'));
after(() => rmSync(folder, { recursive: true }));

/** A Unix socket that `serve` speaks on, made `lateMs` after the call, as QEMU's is. */
function listen(name: string, serve: (socket: Socket) => void, lateMs = 0) {
  const path = join(folder, name);
  const server = createServer(serve);
  setTimeout(() => server.listen(path), lateMs);
  return { path, close: () => server.close() };
}

/** Greeting, answers and events as in docs/interop/qmp-spec.rst of QEMU. */
function qemu(socket: Socket): void {
  socket.write('{"QMP": {"version": {}, "capabilities": []}}\n');
  socket.setEncoding('utf8').on('data', (text: string) => {
    for (const line of text.trim().split('\n')) {
      const { execute } = JSON.parse(line) as { execute: string };
      if (execute === 'quit') socket.end();
      else if (execute === 'nonsense')
        socket.write(
          '{"error": {"class": "CommandNotFound", "desc": "The command nonsense has not been found"}}\n',
        );
      else if (execute === 'system_reset')
        socket.write('{"return": {}}\n{"event": "RESET", "data": {"guest": false}}\n');
      else socket.write(`{"return": {"did": "${execute}"}}\n`);
    }
  });
}

test('QMP: answers come back in order, refusals in QEMU’s words, an event is not missed though it came first', async () => {
  const { path, close } = listen('qmp', qemu, 120);
  const qmp = await Qmp.connect(path);
  assert.deepEqual(await Promise.all([qmp.execute('one'), qmp.execute('two')]), [
    { did: 'one' },
    { did: 'two' },
  ]);
  await assert.rejects(qmp.execute('nonsense'), /nonsense has not been found/);
  await qmp.execute('system_reset');
  assert.deepEqual((await qmp.waitFor('RESET', 1000)).data, { guest: false });
  await assert.rejects(qmp.waitFor('RESET', 20), /no RESET within 20 ms/);
  const waiting = qmp.waitFor('SHUTDOWN', 5000);
  await assert.rejects(qmp.execute('quit'), /the machine has ended/);
  await assert.rejects(waiting, /no SHUTDOWN/);
  close();
});

test('nobody at the socket is said with its path', async () => {
  await assert.rejects(Qmp.connect(join(folder, 'nobody'), 50), /nobody: nobody listens after 50 ms/);
});

test('the console waits for what comes after the last match, and shows the end of the line when nothing does', async () => {
  let far: Socket | undefined;
  const { path, close } = listen('console', (socket) => {
    far = socket;
    socket.write('login: ');
    socket.setEncoding('utf8').on('data', (text: string) => socket.write(`${text.trim()}?\r\nlogin: `));
  });
  const line = await SerialConsole.connect(path);
  await line.expect(/login: /, 1000);
  await assert.rejects(line.expect(/login: /, 30), /no \/login: \/ within 30 ms; the line ends:\nlogin: $/);
  line.send('anna\r');
  assert.equal((await line.expect(/(\w+)\?/, 1000))[1], 'anna');
  await line.expect(/login: /, 1000);
  assert.equal(line.transcript, 'login: anna?\r\nlogin: ');
  const gone = once(far!, 'close');
  line.close();
  await gone;
  close();
});
