import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { httpSms, type Message, mailTransport, spoolSms } from '../../../fleet/alerts/index.js';
import { smsFile } from '../../../fleet/alerts/send-spool.js';
import { until } from '../../support/until.js';
import { startSink } from './sink.js';
import { startSmsd, WITHOUT_SMSD } from './smsd.js';

const MESSAGE: Message = {
  id: '0123456789abcdef0123456789abcdef',
  to: '+41790000000',
  subject: '[critical] Alarm: truck 7',
  text: 'CRITICAL\n',
  short: 'CRITICAL Alarm: "truck 7"',
  isUrgent: true,
};

test('an SMS is a file as smsd reads it, whole under its name; a repeat is the same file', async (t) => {
  const outgoing = mkdtempSync(join(tmpdir(), 'cairn-sms-'));
  t.after(() => rmSync(outgoing, { recursive: true }));
  const transport = spoolSms({ outgoing });
  // As in the unit of systemd, which keeps to itself whatever else it writes.
  const umask = process.umask(0o077);
  t.after(() => process.umask(umask));
  await transport.send(MESSAGE);
  await transport.send(MESSAGE);
  assert.equal(
    statSync(join(outgoing, `cairn-${MESSAGE.id}`)).mode & 0o777,
    0o660,
    'smsd may read it by its group',
  );
  assert.deepEqual(readdirSync(outgoing), [`cairn-${MESSAGE.id}`]);
  assert.equal(
    readFileSync(join(outgoing, `cairn-${MESSAGE.id}`), 'latin1'),
    'To: 41790000000\nAlphabet: ISO\nFlash: yes\n\nCRITICAL Alarm: "truck 7"',
  );
  await assert.rejects(spoolSms({ outgoing: join(outgoing, 'nowhere') }).send(MESSAGE), /ENOENT/);
});

test('what is not ASCII goes as UCS-2, big endian; short numbers have an s; three parts at most', () => {
  const file = smsFile({ to: '144', short: 'Züri 🚚', isUrgent: false });
  const [head, body] = [file.subarray(0, file.indexOf('\n\n') + 2), file.subarray(file.indexOf('\n\n') + 2)];
  assert.equal(head.toString('latin1'), 'To: s144\nAlphabet: UCS2\n\n');
  assert.equal(body.toString('hex'), '005a00fc0072006900' + '20d83dde9a');
  const long = (short: string) => {
    const whole = smsFile({ to: '+41', short, isUrgent: false });
    return whole.length - whole.indexOf('\n\n') - 2;
  };
  assert.equal(long('a'.repeat(1_000)), 459);
  assert.equal(long('ü'.repeat(1_000)), 402);
  assert.equal(long(`${'ü'.repeat(200)}🚚`), 400);
});

test('a real smsd sends what is spooled, and passes over what is half written', {
  skip: WITHOUT_SMSD,
}, async (t) => {
  const smsd = await startSmsd();
  t.after(() => smsd.stop());
  writeFileSync(join(smsd.outgoing, '.half'), 'To: 41790000001\n\nhalf of it');
  const transport = spoolSms({ outgoing: smsd.outgoing });
  await transport.send({ ...MESSAGE, short: 'hellohello' });
  await transport.send({ ...MESSAGE, id: 'f'.repeat(32), short: 'ü' });
  await until('both at the modem', () => smsd.pdus.length === 2, 30_000);
  const sent = smsd.pdus.join('\n');
  // +41790000000 with its digits swapped, type 91 (3GPP TS 23.040, 9.1.2.5); flash is class 0 (TS 23.038, 4).
  assert.match(sent, /0B911497000000F0/);
  // "hellohello" in the GSM alphabet: the well-known example of packing seven bits.
  assert.match(sent, /0AE8329BFD4697D9EC37$/m);
  // U+00FC in UCS-2, or 7E in the GSM alphabet.
  assert.match(sent, /0200FC$/m);
  assert.deepEqual(readdirSync(smsd.outgoing), ['.half']);
});

test('an HTTP gateway gets the text quoted; its refusal is a failure, said in a line', async () => {
  const bodies: string[] = [];
  let status = 200;
  const server = createServer(async (request: IncomingMessage, response) => {
    let body = '';
    for await (const chunk of request) body += chunk;
    bodies.push(body);
    response.statusCode = status;
    response.end('no credit '.repeat(10_000));
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  after(() => server.close());
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/send`;
  await httpSms({ url, body: '{"to":"{to}","message":"{text}"}' }).send(MESSAGE);
  assert.deepEqual(JSON.parse(bodies[0]!), { to: MESSAGE.to, message: MESSAGE.short });
  const form = { 'Content-Type': 'application/x-www-form-urlencoded' };
  status = 402;
  await assert.rejects(
    httpSms({ url, headers: form, body: 'to={to}&text={text}' }).send(MESSAGE),
    /the SMS gateway answered 402: no credit/,
  );
  assert.equal(new URLSearchParams(bodies[1]).get('text'), MESSAGE.short);
});

test('mail with a name and a password goes over TLS, or not at all', async () => {
  let signedIn = '';
  const sink = await startSink({
    authOptional: false,
    disabledCommands: [],
    onAuth(auth, _, done) {
      signedIn = `${auth.username}/${auth.password}`;
      done(null, { user: auth.username });
    },
  });
  after(() => sink.stop());
  const options = {
    host: '127.0.0.1',
    port: sink.port,
    user: 'cairn',
    password: 'secret',
    from: 'cairn@example.org',
  };
  const to = { ...MESSAGE, to: 'ops@example.org' };
  // The sink's certificate is its own: only who is told of it may trust it.
  await assert.rejects(
    mailTransport({ ...options, security: 'starttls' }).send(to),
    /self[- ]signed|certificate/i,
  );
  assert.equal(signedIn, '');
  const plain = await startSink();
  after(() => plain.stop());
  await assert.rejects(
    mailTransport({ ...options, port: plain.port, security: 'starttls' }).send(to),
    /STARTTLS|upgrad|Command not|502|500/i,
  );
  assert.equal(plain.mails.length, 0);
});
