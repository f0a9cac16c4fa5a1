import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { httpSms, type Message, mailTransport, Reachable, spoolSms } from '../../../fleet/alerts/index.js';
import { freePort } from '../../support/broker.js';
import { until } from '../../support/until.js';
import { startSink } from './sink.js';

const MESSAGE: Message = {
  ...{ id: '0123456789abcdef0123456789abcdef', to: 'night@example.org', subject: 'Alarm: truck 7' },
  ...{ text: 'CRITICAL\n', short: 'CRITICAL', isUrgent: true },
};

test('a mail server that is gone is known by the first mail that does not go; one that refuses a mail is there', async (t) => {
  const onRcptTo = (to: { address: string }, _: unknown, done: (error?: Error) => void) =>
    done(to.address.startsWith('nobody') ? new Error('no such mailbox') : undefined);
  const sink = await startSink({ onRcptTo });
  t.after(() => sink.stop().catch(() => undefined));
  const { port } = sink;
  const mail = new Reachable(
    mailTransport({ host: '127.0.0.1', port, security: 'none', from: 'a@example.org' }),
  );
  await mail.start();
  t.after(() => mail.stop());
  const isWell = () => {
    try {
      mail.check();
      return true;
    } catch {
      return false;
    }
  };
  assert.ok(isWell());
  await assert.rejects(mail.send({ ...MESSAGE, to: 'nobody@example.org' }), /no such mailbox/);
  // What it then asks has been answered once the next question is.
  await mail.start();
  assert.ok(isWell());
  await sink.stop();
  await assert.rejects(mail.send(MESSAGE), /ECONNREFUSED/);
  await until('it is known to be gone', () => !isWell(), 2_000);
  assert.throws(() => mail.check(), /ECONNREFUSED/);
  await sink.start();
  await mail.send(MESSAGE);
  assert.ok(isWell());
});

test('messages that nobody takes out of the spool are trouble; an empty one is not', async (t) => {
  const outgoing = mkdtempSync(join(tmpdir(), 'cairn-sms-'));
  t.after(() => rmSync(outgoing, { recursive: true }));
  const spool = spoolSms({ outgoing });
  await spool.probe();
  await spool.send({ ...MESSAGE, to: '+41790000000' });
  writeFileSync(join(outgoing, "somebody else's"), '');
  await spool.probe();
  const longAgoS = Date.now() / 1000 - 3_600;
  utimesSync(join(outgoing, "somebody else's"), longAgoS, longAgoS);
  await spool.probe();
  utimesSync(join(outgoing, `cairn-${MESSAGE.id}`), longAgoS, longAgoS);
  await assert.rejects(spool.probe(), /has not been taken for ten minutes: does smsd run/);
  await assert.rejects(spoolSms({ outgoing: join(outgoing, 'nowhere') }).probe(), /ENOENT/);
});

test('a gateway is asked for its port alone', async () => {
  const url = `http://127.0.0.1:${await freePort()}/send`;
  await assert.rejects(httpSms({ url, body: '{}' }).probe(), /ECONNREFUSED/);
});
