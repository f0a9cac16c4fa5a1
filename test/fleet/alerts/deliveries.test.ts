import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import {
  ALERT_MIGRATIONS,
  type AlertsOptions,
  type Message,
  mailTransport,
  Reachable,
  type Transport,
} from '../../../fleet/alerts/index.js';
import { Outbox } from '../../../fleet/alerts/outbox.js';
import { type Database, DatabaseError } from '../../../fleet/db/index.js';
import { until } from '../../support/until.js';
import { onBothDatabases } from '../db/databases.js';
import { type BlockOf, HOT, NODE, T0_MS, type World, worldOf } from './fixtures.js';
import { startSink } from './sink.js';

const alarm = (first: number): BlockOf => ({
  stream: 'motion.alarm',
  logClass: 'alarm',
  streamId: 7n,
  first,
  rows: [[21.5]],
});

onBothDatabases('deliveries', (fresh) => {
  const started: World[] = [];
  const sinks: Awaited<ReturnType<typeof startSink>>[] = [];
  after(async () => {
    for (const { alerts } of started) await alerts.stop();
    for (const sink of sinks) await sink.stop();
  });
  const sinkOf = async () => {
    const sink = await startSink();
    sinks.push(sink);
    return sink;
  };
  const mailTo = (port: number) =>
    mailTransport({ host: '127.0.0.1', port, security: 'none', from: 'Cairn <cairn@example.org>' });
  const worldWith = async (transport: Transport, db?: Database, more: Partial<AlertsOptions> = {}) => {
    const w = await worldOf(db ?? (await fresh(ALERT_MIGRATIONS)), {
      transports: [transport],
      nowMs: Date.now,
      ...more,
    });
    w.alerts.start();
    started.push(w);
    return w;
  };

  test('an alarm row is a mail within 2 s that says who, what, when and where, and what to do', async () => {
    const sink = await sinkOf();
    const w = await worldWith(mailTo(sink.port));
    w.channels.set(7n, w.channels.get(1n)!);
    const fromMs = Date.now();
    await w.take(alarm(1));
    await until('the mail', () => sink.mails.length > 0);
    assert.ok(sink.mails[0]!.atMs - fromMs < 2_000, `${sink.mails[0]!.atMs - fromMs} ms`);
    const [{ source, to }] = sink.mails as [(typeof sink.mails)[0]];
    assert.deepEqual(to, ['ops@example.org']);
    const text = source.replaceAll('=\r\n', '').replaceAll('=3D', '=').replaceAll('=C2=B1', '±');
    for (const wanted of [
      /^Subject: \[critical\] Alarm: truck 7\r$/m,
      /^Auto-Submitted: auto-generated\r$/m,
      /^Who: {4}truck 7 \(0011223344556677\), group prod\r$/m,
      /^What: {3}motion.alarm: an alarm\r$/m,
      /^ {8}temperature 21.5 (°|=C2=B0)C\r$/m,
      /^When: {3}2026-11-23 02:00:01 UTC ± 0.3 s; arrived at /m,
      /^Where: {2}47.05000, 8.30000 \(its latest\) {2}https:/m,
      /^What to do: Somebody or something/m,
      /https:\/\/fleet.example.org\/alerts\/1\r$/m,
    ])
      assert.match(text, wanted);
  });

  test('nothing is lost and nothing doubled while SMTP goes and comes', async () => {
    const sink = await sinkOf();
    const w = await worldWith(mailTo(sink.port));
    for (let i = 0; i < 3; i++) {
      await sink.stop();
      await w.take(alarm(10 * i + 1), alarm(10 * i + 2));
      await until('an attempt that failed', () => w.faults.length > i);
      await sink.start();
    }
    await until('six mails', () => sink.mails.length >= 6);
    assert.equal(new Set(sink.mails.map(({ messageId }) => messageId)).size, 6);
    assert.equal(sink.mails.length, 6);
  });

  test('once the mail server is there again nothing waits for its next attempt, but what another process holds', async () => {
    const sink = await sinkOf();
    await sink.stop();
    const mail = new Reachable(mailTo(sink.port));
    const w = await worldWith(mail);
    await mail.start();
    after(() => mail.stop());
    await w.take(alarm(1), alarm(2));
    await until('two attempts', () => w.faults.length >= 2);
    await w.alerts.stop();
    const laterMs = Date.now() + 300_000;
    await w.db.query('UPDATE delivery SET due_ms = $1', [BigInt(laterMs)]);
    const [held] = await w.db.query<{ alert_id: bigint }>(
      `UPDATE delivery SET lease = 'other' WHERE id = (SELECT min(id) FROM delivery) RETURNING alert_id`,
    );
    const again = await worldWith(mail, w.db);
    await sink.start();
    await until('the mail', () => sink.mails.length > 0, 15_000);
    await again.alerts.stop();
    const left = await w.db.query(`SELECT alert_id, due_ms FROM delivery WHERE state = 'waiting'`);
    assert.deepEqual(left, [{ alert_id: held!.alert_id, due_ms: BigInt(laterMs) }]);
    assert.equal(sink.mails.length, 1);
  });

  test('nothing is lost and nothing doubled while the database goes and comes', async () => {
    const sent: string[] = [];
    const cut = { down: false };
    const db = broken(await fresh(ALERT_MIGRATIONS), cut);
    const transport: Transport = {
      scheme: 'mail',
      async send({ id }: Message) {
        sent.push(id);
        cut.down = true;
      },
    };
    const w = await worldWith(transport, db);
    await w.take(alarm(1), alarm(2));
    await until('both were sent, and the database is gone', () => sent.length === 2);
    await until('it says so', () => w.faults.some((text) => text.includes('the database doesn')));
    cut.down = false;
    const states = async () => (await w.alerts.list({ limit: 9 })).length;
    await until('a poll later', () => w.faults.length > 1);
    assert.equal(await states(), 2);
    const settled = async () => {
      const [row] = await db.query(`SELECT count(*) AS n FROM delivery WHERE state = 'sent'`);
      return row!.n === 2n;
    };
    while (!(await settled())) await new Promise((resolve) => setTimeout(resolve, 20));
    assert.equal(sent.length, 2);
  });

  test('two processes share one outbox: each mail is sent once', async () => {
    const sent: string[] = [];
    const transport: Transport = {
      scheme: 'mail',
      async send({ id }) {
        sent.push(id);
      },
    };
    const db = await fresh(ALERT_MIGRATIONS);
    const one = await worldWith(transport, db);
    await worldWith(transport, db);
    await one.take(...Array.from({ length: 30 }, (_, i) => alarm(i + 1)));
    await until('30 mails', () => sent.length >= 30);
    assert.equal(new Set(sent).size, 30);
    assert.equal(sent.length, 30);
  });

  test('whoever dies with a delivery leaves it to the next one, under the same name; waits grow, and the last one fails', async () => {
    const db = await fresh(ALERT_MIGRATIONS);
    const w = await worldOf(db);
    await w.take(alarm(1));
    const outbox = new Outbox(db, 'a', async () => undefined);
    let nowMs = T0_MS;
    const [first] = await outbox.lease('mail', 16, nowMs);
    assert.deepEqual(await outbox.lease('mail', 16, nowMs + 60_000), []);
    nowMs += 120_000;
    const [second] = await outbox.lease('mail', 16, nowMs);
    assert.deepEqual([second!.id, second!.attempts], [first!.id, 2]);
    await outbox.notSent(first!, 'too late to say so', nowMs);
    const waits: number[] = [];
    let leased = second;
    while (leased) {
      await outbox.notSent(leased, 'connection refused', nowMs);
      const [row] = await db.query('SELECT state, due_ms, error FROM delivery');
      if (row!.state === 'failed') break;
      waits.push((Number(row!.due_ms) - nowMs) / 1_000);
      nowMs = Number(row!.due_ms);
      [leased] = await outbox.lease('mail', 16, nowMs);
    }
    assert.deepEqual(waits.slice(0, 8), [2, 5, 10, 30, 60, 120, 300, 300]);
    assert.equal(Math.round(waits.reduce((sum, wait) => sum + wait, 0) / 3_600), 24);
    const [seen] = await w.alerts.list({ limit: 1 });
    assert.equal(seen!.failed, 1);
    assert.equal(await w.alerts.retry(first!.id), true);
    assert.equal((await outbox.lease('mail', 1, Date.now() + T0_MS)).length, 1);
  });

  test('a process that was killed amid sending sends at its next start; what another one holds is left to it', async () => {
    const db = await fresh(ALERT_MIGRATIONS);
    const before = await worldOf(db);
    await before.take(alarm(1), alarm(2));
    const nobody = async () => undefined;
    const [mine] = await new Outbox(db, 'aa', nobody).lease('mail', 1, Date.now());
    const [other] = await new Outbox(db, 'aaa', nobody).lease('mail', 1, Date.now());
    const sent: string[] = [];
    const transport: Transport = {
      scheme: 'mail',
      async send({ id }) {
        sent.push(id);
      },
    };
    await worldWith(transport, db, { holder: 'aa' });
    await until('the mail', () => sent.length > 0, 5_000);
    assert.deepEqual([sent, other!.attempts], [[mine!.id], 1]);
  });

  test('a mail server that stalls holds up no SMS; what is critical goes before what is not', async (t) => {
    const db = await fresh(ALERT_MIGRATIONS);
    const sent: string[] = [];
    let end: (error: Error) => void = () => undefined;
    const over = new Promise<never>((_, fail) => {
      end = fail;
    });
    t.after(() => end(new Error('the test is over')));
    const mail: Transport = { scheme: 'mail', send: () => over };
    const sms: Transport = {
      scheme: 'sms',
      async send({ text }) {
        sent.push(text.slice(0, 8));
      },
    };
    const w = await worldOf(db, { transports: [mail, sms], nowMs: Date.now });
    started.push(w);
    const tell = ['mail:ada@example.org', 'sms:+41790000000'];
    const { scope, condition, ...rest } = HOT;
    await w.alerts.rules.put({ ...rest, scope, condition, tell }, 'ada', w.nowMs);
    const critical = {
      ...rest,
      severity: 'critical',
      scope: { class: 'event' },
      condition: { kind: 'sos' },
      tell,
    };
    await w.alerts.rules.put(critical, 'ada', w.nowMs);
    await w.take({ first: 1, rows: Array.from({ length: 100 }, (_, i) => [i % 2 ? 5 : 9]) });
    await w.take({ streamId: 8n, stream: 'sos', logClass: 'event', first: 1, rows: [[1]] });
    w.alerts.start();
    await until('the SMS', () => sent.length >= 50, 5_000);
    // Of the first that are leased, or soon after: its rule is read for the first time.
    assert.ok(sent.slice(0, 32).includes('CRITICAL'), sent.join());
  });

  test('who is refused for good fails at once: the others are told why, and the next step need not wait', async () => {
    const sink = await startSink({
      onRcptTo: ({ address }, _, done) =>
        done(
          address.startsWith('gone') ? Object.assign(new Error('no such user'), { responseCode: 550 }) : null,
        ),
    });
    sinks.push(sink);
    const w = await worldWith(mailTo(sink.port));
    const escalate = [{ afterMin: 60, tell: ['mail:boss@example.org'] }];
    const rule = { ...HOT, tell: ['mail:gone@example.org'], escalate };
    await w.alerts.rules.put(rule, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    await until('the others are told', () => sink.mails.length > 0);
    assert.deepEqual(sink.mails[0]!.to, ['ops@example.org']);
    const source = sink.mails[0]!.source.replaceAll('=\r\n', '');
    assert.match(source, /^Subject: \[warning\] Not delivered: Too warm/m);
    assert.match(source, /^mail:gone@example.org could not be told: .*550 no such user/m);
    const [seen] = await w.alerts.list({ limit: 1 });
    assert.equal(seen!.failed, 1);
    await w.alerts.tick();
    await until('the next step', () => sink.mails.some(({ to }) => to[0] === 'boss@example.org'));
  });

  test('a way that nobody configured is said to those that can be told', async () => {
    const sink = await sinkOf();
    const w = await worldWith(mailTo(sink.port));
    await w.alerts.rules.put({ ...HOT, tell: ['sms:+41790000000'] }, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    await until('ops are told', () => sink.mails.length > 0);
    assert.match(sink.mails[0]!.source, /no way to send "sms:"/);
  });

  test('nobody answers: the next ones are told, step by step, once, whoever ticks', async () => {
    const db = await fresh(ALERT_MIGRATIONS);
    const w = await worldOf(db);
    const other = await worldOf(db);
    const steps = [
      { afterMin: 5, tell: ['sms:+41790000000'] },
      { afterMin: 15, tell: ['mail:boss@example.org'] },
    ];
    await w.alerts.rules.put({ ...HOT, tell: ['mail:ada@example.org'], escalate: steps }, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    const told = async (atMin: number) => {
      w.nowMs = other.nowMs = T0_MS + atMin * 60_000;
      await Promise.all([w.alerts.tick(), other.alerts.tick()]);
      const rows = await db.query(
        `SELECT target FROM delivery WHERE reason <> 'cleared' ORDER BY created_ms`,
      );
      return rows.map(({ target }) => target);
    };
    assert.equal((await told(4)).length, 1);
    assert.deepEqual((await told(5)).slice(1), ['sms:+41790000000']);
    assert.equal((await told(14)).length, 2);
    assert.deepEqual((await told(15)).slice(2), ['mail:boss@example.org']);
    assert.equal((await told(600)).length, 3);
    await w.take({ first: 2, rows: [[5], [9]] });
    const [again] = await w.alerts.list({ state: 'open', limit: 1 });
    await w.alerts.acknowledge(again!.id, { name: 'ada', note: '' });
    assert.equal((await told(800)).filter((target) => target === 'sms:+41790000000').length, 1);
    assert.equal(again!.node, NODE);
  });
});

/** A database that can't be reached while `cut.down`. */
function broken(db: Database, cut: { readonly down: boolean }): Database {
  const refuse = () => {
    if (cut.down) throw new DatabaseError('down', 'the test pulled the plug');
  };
  return {
    dialect: db.dialect,
    async query(sql, values) {
      refuse();
      return db.query(sql, values);
    },
    async transaction(work) {
      refuse();
      return db.transaction(work);
    },
    close: () => db.close(),
  };
}
