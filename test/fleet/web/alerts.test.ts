import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import fastify, { type LightMyRequestResponse } from 'fastify';
import { ALERT_MIGRATIONS } from '../../../fleet/alerts/index.js';
import { DatabaseError } from '../../../fleet/db/index.js';
import { type AuditEntry, type Caller, everywhere, type Roles } from '../../../fleet/people/index.js';
import { alertsPages } from '../../../fleet/web/pages/alerts.js';
import { HOT, NODE, worldOf } from '../alerts/fixtures.js';
import { type Fresh, onBothDatabases } from '../db/databases.js';

/** The pages with somebody who is who the test says. */
async function serve(t: TestContext, fresh: Fresh) {
  const w = await worldOf(await fresh(ALERT_MIGRATIONS));
  const audited: AuditEntry[] & { isFull?: true } = [];
  const app = fastify();
  t.after(() => app.close());
  let person: Caller | undefined;
  app.decorateRequest('person');
  app.decorateRequest('csrf', () => 'a-token');
  app.addHook('onRequest', async (request) => {
    request.person = person;
  });
  await app.register(
    alertsPages({
      alerts: w.alerts,
      nowMs: () => w.nowMs,
      audit: async (entry, tx) => {
        await tx?.query('SELECT 1');
        if (audited.isFull) throw new DatabaseError('full', 'no room for the audit');
        audited.push(entry);
      },
    }),
  );
  const as = (roles: Roles | undefined) => {
    person = roles && { id: '1', name: 'Ada', roles, via: 'session', key: '1' };
  };
  as(everywhere('owner'));
  return {
    w,
    as,
    audited,
    get: (url: string) => app.inject({ url, headers: { accept: 'text/html' } }),
    post: (url: string, fields: Readonly<Record<string, string>> = {}): Promise<LightMyRequestResponse> =>
      app.inject({
        method: 'POST',
        url,
        payload: new URLSearchParams(fields).toString(),
        headers: { 'content-type': 'application/x-www-form-urlencoded' },
      }),
  };
}

onBothDatabases('the pages of alerts', (fresh) => {
  test('open ones, one of them with why and who was told, acknowledged by a form', async (t) => {
    const { w, get, post, audited } = await serve(t, fresh);
    await w.alerts.rules.put({ ...HOT, name: 'Too <warm>', whatToDo: 'Close the door.' }, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    const list = await get('/alerts');
    assert.equal(list.statusCode, 200);
    assert.match(list.body, /<a href="\/alerts\/1">Too &#60;warm&#62;<\/a>/);
    const one = (await get('/alerts/1')).body;
    for (const wanted of [
      'climate: temperature above 8; 9 at first, 9 at worst',
      'temperature 9 °C',
      'Close the door.',
      'mail:ops@example.org',
      '1 row says so: row 1 of climate.',
      'name="csrf" value="a-token"',
    ])
      assert.ok(one.includes(wanted), wanted);
    const done = await post('/alerts/1/acknowledge', { note: '<b>on my way</b>', ends: 'yes' });
    assert.deepEqual([done.statusCode, done.headers.location], [303, '/alerts/1']);
    assert.deepEqual(audited, [
      {
        who: 'Ada',
        from: '127.0.0.1',
        action: 'alert.acknowledge',
        about: 'alert 1',
        detail: '<b>on my way</b>',
      },
    ]);
    assert.match((await get('/alerts/1')).body, /&#60;b&#62;on my way/);
    assert.match((await get('/alerts')).body, /No alert is open/);
    assert.match((await get('/alerts?show=closed')).body, /ended, acknowledged by Ada/);
  });

  test('where it is, whom the escalation tells next, and what was done after somebody had it in hand', async (t) => {
    const { w, get, post, as, audited } = await serve(t, fresh);
    const escalate = [{ afterMin: 15, tell: ['mail:boss@example.org'] }];
    await w.alerts.rules.put({ ...HOT, escalate }, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    as({ prod: 'viewer' });
    assert.equal((await post('/alerts/1/escalate')).statusCode, 403);
    assert.ok(!(await get('/alerts/1')).body.includes('action="/alerts/1/escalate"'));
    as({ prod: 'operator' });
    const open = (await get('/alerts/1')).body;
    assert.match(open, /openstreetmap\.org\/\?mlat=\d+\.\d{5}&#38;mlon=\d+\.\d{5}.*°, .*its latest, of/s);
    assert.match(open, /mail:boss@example\.org is told at .*Tell mail:boss@example\.org now/s);
    assert.equal((await post('/alerts/1/escalate')).statusCode, 303);
    assert.match((await get('/alerts/1')).body, /escalated/);
    await post('/alerts/1/acknowledge', { note: 'on my way' });
    await post('/alerts/1/acknowledge', { note: 'door <closed>', ends: 'yes' });
    const done = (await get('/alerts/1')).body;
    assert.match(done, /on my way\n.* UTC, Ada: door &#60;closed&#62;.*What was done/s);
    assert.deepEqual(
      audited.map(({ action, detail }) => [action, detail]),
      [
        ['alert.escalate', undefined],
        ['alert.acknowledge', 'on my way'],
        ['alert.acknowledge', 'door <closed>'],
      ],
    );
  });

  test('how many are open is said above the list, the worst first, of the groups that one sees', async (t) => {
    const { w, get, as } = await serve(t, fresh);
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.alerts.rules.put({ ...HOT, name: 'Far too warm', severity: 'critical' }, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    await w.alerts.acknowledge(1n, { name: 'ada', note: '' });
    const said = /severity=critical">1 critical, . not acknowledged<.*severity=warning">1 warning, . not/;
    assert.match((await get('/alerts?show=closed')).body, said);
    as({ dev: 'owner' });
    assert.ok(!(await get('/alerts')).body.includes('not acknowledged'));
  });

  test('who may not see a group does not, nobody signed in does nothing', async (t) => {
    const { w, as, get, post } = await serve(t, fresh);
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    as({ dev: 'owner' });
    assert.match((await get('/alerts')).body, /No alert is open/);
    assert.equal((await get('/alerts/1')).statusCode, 403);
    as({ prod: 'viewer' });
    assert.equal((await get('/alerts/1')).statusCode, 200);
    assert.equal((await post('/alerts/1/acknowledge')).statusCode, 403);
    as(undefined);
    for (const path of [
      '/alerts/1/acknowledge',
      '/alerts/rules',
      '/alerts/rules/1',
      '/alerts/rules/1/retire',
      '/alerts/maintenance',
    ])
      assert.equal((await post(path, { scope: 'group:prod' })).statusCode, 401, path);
    assert.equal((await w.alerts.list({ state: 'open', limit: 9 })).length, 1);
  });

  test('rules: written, wrong ones shown again with what is wrong, changed, retired', async (t) => {
    const { w, get, post, as } = await serve(t, fresh);
    const wrong = await post('/alerts/rules', { rule: '{"name":"</textarea>"}' });
    assert.equal(wrong.statusCode, 400);
    assert.match(wrong.body, /severity: is missing.*&#60;\/textarea&#62;/s);
    assert.match((await post('/alerts/rules', { rule: '{' })).body, /not JSON/);
    assert.equal((await post('/alerts/rules', { rule: JSON.stringify(HOT) })).statusCode, 303);
    assert.match((await get('/alerts/rules')).body, /temperature above 8/);
    const changed = JSON.stringify({ ...HOT, severity: 'critical' });
    assert.equal((await post('/alerts/rules/3', { rule: changed })).statusCode, 303);
    assert.match((await post('/alerts/rules/3', { rule: changed })).body, /somebody else changed it/);
    assert.equal((await get('/alerts/rules/3')).statusCode, 404);
    assert.match((await get('/alerts/rules/4')).body, /&#34;critical&#34;/);
    const escalate = [{ afterMin: 5, tell: ['mail:a@example.org'] }];
    await post('/alerts/rules', { rule: JSON.stringify({ ...HOT, tell: ['sms:+41790000000'], escalate }) });
    assert.match(
      (await get('/alerts/rules')).body,
      /sms:\+41790000000 \(the fleet's file has no way to it\).*after 5 min .*mail:a@example\.org/,
    );
    await post('/alerts/rules/5/retire');
    as(everywhere('operator'));
    assert.equal((await post('/alerts/rules/4/retire')).statusCode, 403);
    as(everywhere('owner'));
    assert.equal((await post('/alerts/rules/4/retire')).statusCode, 303);
    assert.equal((await w.alerts.rules.inForce(w.db)).length, 2);
  });

  test('maintenance is shown on the list, and ends by a form', async (t) => {
    const { get, post, as } = await serve(t, fresh);
    as({ prod: 'operator' });
    assert.equal((await post('/alerts/maintenance', { scope: 'group:dev', hours: '1' })).statusCode, 403);
    assert.equal(
      (await post('/alerts/maintenance', { scope: `node:${NODE}`, hours: '999' })).statusCode,
      400,
    );
    assert.equal((await post('/alerts/maintenance', { scope: 'group:prod', hours: 'x' })).statusCode, 400);
    const begun = await post('/alerts/maintenance', {
      scope: `node:${NODE}`,
      hours: '2',
      note: 'new <battery>',
    });
    assert.equal(begun.statusCode, 303);
    assert.match(
      (await get('/alerts')).body,
      /Maintenance<\/strong> of node 0011223344556677 until .*new &#60;battery&#62;/,
    );
    await post('/alerts/maintenance/end', { scope: `node:${NODE}` });
    assert.match((await get('/alerts/maintenance')).body, /Nothing is in maintenance/);
  });

  test('what can not be written into the audit is not done', async (t) => {
    const { w, post, audited } = await serve(t, fresh);
    const id = await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    await w.alerts.maintenance.set(
      { scope: 'group:dev', untilMs: w.nowMs + 60_000, by: 'ada', note: '' },
      w.nowMs,
    );
    await w.db.query("UPDATE delivery SET state = 'failed'");
    const [delivery] = (await w.alerts.get(1n))!.deliveries;
    audited.isFull = true;
    for (const [path, fields] of [
      ['/alerts/1/acknowledge', { ends: 'yes' }],
      ['/alerts/1/retry', { delivery: delivery!.id }],
      ['/alerts/rules', { rule: JSON.stringify(HOT) }],
      [`/alerts/rules/${id}`, { rule: JSON.stringify({ ...HOT, severity: 'critical' }) }],
      [`/alerts/rules/${id}/retire`, {}],
      ['/alerts/maintenance', { scope: 'group:prod', hours: '1' }],
      ['/alerts/maintenance/end', { scope: 'group:dev' }],
    ] as const)
      assert.equal((await post(path, fields)).statusCode, 500, path);
    const alert = await w.alerts.get(1n);
    assert.deepEqual(
      [alert!.state, alert!.acknowledged, alert!.deliveries[0]!.state],
      ['open', undefined, 'failed'],
    );
    assert.equal((await w.alerts.rules.inForce(w.db)).length, 3);
    assert.deepEqual(
      (await w.alerts.maintenance.current(w.nowMs)).map(({ scope }) => scope),
      ['group:dev'],
    );
    delete audited.isFull;
    assert.equal((await post('/alerts/1/retry', { delivery: delivery!.id })).statusCode, 303);
    assert.deepEqual(
      audited.map(({ action }) => action),
      ['alert.retry'],
    );
  });

  test('rules and maintenance of a group are for who sees it, forms for who may do what they do', async (t) => {
    const { w, as, get } = await serve(t, fresh);
    await w.alerts.rules.put({ ...HOT, name: 'Of prod', scope: { group: 'prod' } }, 'ada', w.nowMs);
    await w.alerts.rules.put({ ...HOT, name: 'Of all', scope: {} }, 'ada', w.nowMs);
    await w.take({ first: 1, rows: [[9]] });
    for (const scope of ['group:prod', 'group:dev', `node:${NODE}`])
      await w.alerts.maintenance.set(
        { scope, untilMs: w.nowMs + 60_000, by: 'ada', note: `note of ${scope}` },
        w.nowMs,
      );
    const pages = async () => ({
      rules: (await get('/alerts/rules')).body,
      list: (await get('/alerts')).body,
      maintenance: (await get('/alerts/maintenance')).body,
    });
    as({ dev: 'viewer' });
    const dev = await pages();
    assert.ok(dev.rules.includes('Of all') && !dev.rules.includes('Of prod'));
    assert.equal((await get('/alerts/rules/3')).statusCode, 404);
    for (const body of [dev.list, dev.maintenance]) {
      assert.ok(body.includes('note of group:dev'));
      assert.ok(!body.includes('group:prod') && !body.includes(NODE));
    }
    assert.ok(!Object.values(dev).some((body) => body.includes('method="post"')));
    as({ prod: 'viewer' });
    const prod = await pages();
    assert.ok(prod.rules.includes('Of prod'));
    assert.ok(prod.list.includes('note of group:prod') && prod.list.includes(`note of node:${NODE}`));
    assert.ok(!(await get('/alerts/1')).body.includes('method="post"'));
    as({ prod: 'operator' });
    assert.match((await get('/alerts/1')).body, /action="\/alerts\/1\/acknowledge"/);
    assert.match((await get('/alerts/maintenance')).body, /action="\/alerts\/maintenance\/end"/);
    assert.ok(!(await get('/alerts/rules')).body.includes('method="post"'));
  });
});
