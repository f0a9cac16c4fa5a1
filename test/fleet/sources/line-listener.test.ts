import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, test } from 'node:test';
import { decodeMessage, lineChecksum, type Outcome } from '../../../fleet/ingest/index.js';
import { type LineListenerOptions, lineListener } from '../../../fleet/sources/index.js';
import { until } from '../../support/until.js';

const open: { close(): unknown }[] = [];
after(async () => {
  for (const one of open) await one.close();
});

const held: Outcome = { kind: 'held' };
const line = (between: string) => `$${between}*${lineChecksum(between)}\r\n`;
const GOOD = 'CTRK,4711,12,2026-11-23T01:02:03Z,47.3769,8.5417,13.9,1,3.82,';

async function rig(options: Partial<LineListenerOptions> = {}) {
  const taken: string[] = [];
  const listener = await lineListener({
    ...{ host: '127.0.0.1', port: 0 },
    take: async (topic, payload) => {
      taken.push(topic);
      const decoded = decodeMessage({ topic, payload, receivedMs: 1_790_000_000_000 });
      return decoded.kind === 'refusal' ? decoded : held;
    },
    ...options,
  });
  open.push(listener);
  const client = async () => {
    const socket = connect(listener.port, '127.0.0.1');
    await once(socket, 'connect');
    let said = '';
    let isClosed = false;
    socket.on('data', (chunk: Buffer) => {
      said += chunk.toString('latin1');
    });
    socket.on('error', () => undefined);
    socket.on('close', () => {
      isClosed = true;
    });
    open.push({ close: () => socket.destroy() });
    return { socket, said: () => said, isClosed: () => isClosed };
  };
  return { listener, taken, client };
}

test('the checksum is that of NMEA 0183: its best known sentence', () => {
  assert.equal(lineChecksum('GPGGA,123519,4807.038,N,01131.000,E,1,08,0.9,545.4,M,46.9,M,,'), '47');
});

test('a line is answered once it is held, in order', async () => {
  let hold: () => void = () => undefined;
  const gate = new Promise<void>((resolve) => {
    hold = resolve;
  });
  const { client } = await rig({ take: () => gate.then(() => held) });
  const { socket, said } = await client();
  socket.write(line(GOOD) + line(GOOD.replace(',12,', ',13,')));
  await new Promise((resolve) => setTimeout(resolve, 100));
  assert.equal(said(), '');
  hold();
  await until('both answers', () => said() === 'OK 12\r\nOK 13\r\n');
});

test('who ends its side after the line hears the answer', async () => {
  const { listener } = await rig({
    take: () => new Promise((resolve) => setTimeout(() => resolve(held), 50)),
  });
  const socket = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
  open.push({ close: () => socket.destroy() });
  socket.end(line(GOOD));
  const said = await socket.setEncoding('latin1').toArray();
  assert.equal(said.join(''), 'OK 12\r\n');
});

test('its fields become a row of position, and an alarm one of its own', () => {
  const between = GOOD.replace(/,$/, ',sos');
  const payload = Buffer.from(line(between).trimEnd());
  const decoded = decodeMessage({ topic: 'tracker/4711', payload, receivedMs: 0 });
  assert.ok(decoded.kind === 'rows');
  const [alarm, position] = decoded.incoming;
  assert.ok(alarm?.kind === 'pack' && position?.kind === 'pack');
  assert.deepEqual([alarm.logClass, alarm.stream, alarm.texts?.[0]], ['alarm', 'alarm', 'sos']);
  assert.deepEqual(
    [position.device, [...position.values]],
    ['tracker:4711', [47.3769, 8.5417, 13.9, 1, 3.82]],
  );
  assert.deepEqual(position.wallNs, [BigInt(Date.UTC(2026, 10, 23, 1, 2, 3)) * 1_000_000n]);
});

test('lines that are wrong are answered by cause, and cost nobody else', async () => {
  const { client, listener } = await rig({ ids: new Set(['4711']) });
  const { socket, said } = await client();
  const wrong = [
    '$CTRK,4711,1,,,,,,,*00\r\n',
    line('CTRK,4711,2,,91,8,,,,'),
    line('CTRK,4711,3,,47,,,,,'),
    line('CTRK,4711,4,yesterday,,,,,,'),
    line('CTRK,9999,5,,,,,,,'),
    'hello\r\n',
  ];
  socket.write(wrong.join('') + line('CTRK,4711,6,,,,,,,'));
  await until('all answers', () => said().includes('OK 6'));
  assert.deepEqual(said().trimEnd().split('\r\n'), [
    ...['NO 1 line', 'NO 2 line', 'NO 3 line', 'NO 4 line', 'NO 5 unknownId', 'NO - line', 'OK 6'],
  ]);
  assert.deepEqual(listener.turnedAway, { line: 5, unknownId: 1 });
});

test('what can not be held now is said so: the tracker keeps it', async () => {
  const { client } = await rig({ take: () => Promise.reject(new Error('full')) });
  const { socket, said } = await client();
  socket.write(line(GOOD));
  await until('the answer', () => said() === 'NO 12 busy\r\n');
});

test('hostile bytes do not wedge it: a line without end, noise, a byte at a time, silence', async () => {
  const { client, taken } = await rig({ idleMs: 400 });
  const endless = await client();
  endless.socket.write('$CTRK,'.repeat(1000));
  const noise = await client();
  noise.socket.write(Buffer.from(Array.from({ length: 4000 }, (_, i) => (i * 167 + 13) % 256)));
  const lines = await client();
  lines.socket.write('x\n'.repeat(100));
  const silent = await client();
  await until('the hostile are gone', () => [endless, noise, lines, silent].every((one) => one.isClosed()));
  assert.equal(endless.said(), 'NO - tooLong\r\n');
  const slow = await client();
  for (const character of line(GOOD)) {
    slow.socket.write(character);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await until('the slow one is served', () => slow.said() === 'OK 12\r\n');
  assert.deepEqual(taken, ['tracker/4711']);
});

test('all places are taken by a host that says nothing: an SOS is heard, and who spoke last keeps its place', async () => {
  const { listener, client } = await rig({ maxConnections: 4 });
  const speaker = await client();
  const silent = [await client(), await client(), await client()];
  speaker.socket.write(line(GOOD));
  await until('it is served', () => speaker.said() === 'OK 12\r\n');
  const worker = await client();
  worker.socket.write(line('CTRK,9,1,,,,,,,sos'));
  await until('the SOS is held', () => worker.said() === 'OK 1\r\n');
  await until('the longest silent is gone', () => silent[0]!.isClosed());
  assert.deepEqual(
    [speaker, ...silent.slice(1)].map((one) => one.isClosed()),
    [false, false, false],
  );
  assert.deepEqual(listener.turnedAway, { tooManyConnections: 1 });
});
