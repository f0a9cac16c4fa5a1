import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { ALERT_MIGRATIONS } from '../../../fleet/alerts/index.js';
import { onBothDatabases } from '../db/databases.js';
import { type BlockOf, deliveries, HOT, NODE, shortList, T0_MS, taken, worldOf } from './fixtures.js';

const warm = (first: number, ...values: (number | null)[]): BlockOf => ({
  first,
  rows: values.map((v) => [v]),
});

onBothDatabases('alerts of rows', (fresh) => {
  const world = async () => worldOf(await fresh(ALERT_MIGRATIONS));

  test('a row and its alert are one commit: what is rolled back leaves nothing', async () => {
    const w = await world();
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    const failed = w.db.transaction(async (tx) => {
      await w.alerts.judge(tx, [taken(warm(1, 9))]);
      throw new Error('the store failed');
    });
    await assert.rejects(failed, /the store failed/);
    assert.deepEqual(await shortList(w), []);
    await w.take(warm(1, 9));
    assert.deepEqual(await shortList(w), [['open', 1n, 1n, undefined]]);
    assert.match((await deliveries(w)).join(), /^\d+ opened mail:ops@example.org$/);
  });

  test('a threshold opens, lives on over its hysteresis, ends, and whoever was told is told so', async () => {
    const w = await world();
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take(warm(1, 7, 8.4, 9.1));
    await w.take(warm(4, 7.5, null, 8.2));
    const [open] = await w.alerts.list({ state: 'open', limit: 10 });
    assert.deepEqual(
      [open!.value, open!.peak, open!.rows, open!.detail],
      [8.4, 9.1, 3n, 'temperature 8.4 °C'],
    );
    await w.take(warm(7, 7));
    assert.deepEqual(await shortList(w), [['closed', 2n, 6n, 7n]]);
    assert.deepEqual(await deliveries(w), [
      '1 cleared mail:ops@example.org',
      '1 opened mail:ops@example.org',
    ]);
  });

  test('a late block lengthens an alert or splits it; nobody is told twice', async () => {
    const w = await world();
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take(warm(1, 9, 9), warm(3, 5));
    await w.take(warm(10, 9, 9));
    await w.take(warm(20, 9, 9, 5));
    assert.deepEqual(await shortList(w), [['closed', 1n, 2n, 3n], ['open', 10n, 21n, 22n].with(0, 'closed')]);
    await w.take(warm(14, 9, 5, 9));
    assert.deepEqual(await shortList(w), [
      ['closed', 1n, 2n, 3n],
      ['closed', 10n, 14n, 15n],
      ['closed', 16n, 21n, 22n],
    ]);
    const openedOf = async () => (await deliveries(w)).filter((line) => line.includes('opened')).length;
    // The one of rows 20 and 21 was part of that of 10, and is again what it was.
    assert.equal(await openedOf(), 3);
    // Row 14 turns out to be one of its own.
    await w.take(warm(12, 9, 5), warm(17, 9, 9, 9));
    assert.equal(await openedOf(), 4);
  });

  test('an open alert goes on as what still holds: nobody is told that it ended', async () => {
    const w = await world();
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take(warm(101, 9));
    await w.take(warm(10, 9, 9));
    await w.take(warm(12, 5));
    assert.deepEqual(await shortList(w), [
      ['closed', 10n, 11n, 12n],
      ['open', 101n, 101n, undefined],
    ]);
    assert.deepEqual(
      (await deliveries(w)).map((line) => line.replace(/^\d+ /, '')),
      ['opened mail:ops@example.org', 'opened mail:ops@example.org'],
    );
  });

  test('two that were told are one, once the rows between them are there', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, condition: { ...HOT.condition, forRows: 2 } }, 'ada', w.nowMs);
    await w.take(warm(1, 9, 9), warm(3, 5), warm(5, 9, 9));
    assert.equal((await shortList(w)).length, 2);
    const rate = { ...HOT, condition: { kind: 'rate', channel: 'temperature', above: 0.5 } };
    await w.alerts.rules.put(rate, 'ada', w.nowMs);
    await w.take(warm(20, 1, 2, 3), warm(26, 7, 8));
    await w.take(warm(24, 5, 6));
    const rises = [['open', 21n, 27n, undefined]];
    assert.deepEqual((await shortList(w)).slice(-1), rises);
    await w.take(warm(23, 4));
    assert.deepEqual((await shortList(w)).slice(-1), rises);
  });

  test('what later rows show never was so is withdrawn, and stays on the list as that', async () => {
    const w = await world();
    const long = { ...HOT, condition: { ...HOT.condition, forS: 30 } };
    await w.alerts.rules.put(long, 'ada', w.nowMs);
    await w.take(warm(1, 9), warm(40, 9));
    assert.deepEqual(await shortList(w), [['open', 1n, 40n, undefined]]);
    await w.take(warm(20, 5));
    assert.deepEqual(await shortList(w), []);
    assert.deepEqual(await shortList(w, ['withdrawn']), [['withdrawn', 1n, 40n, undefined]]);
  });

  test('rows from before all that is kept of a stream are judged by themselves', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, tellAtMostPerHour: 1 }, 'ada', w.nowMs);
    const flips = Array.from({ length: 400 }, (_, i) => (i % 2 ? 9 : 5));
    await w.take(warm(1_000, ...flips));
    await w.take(warm(10, 9, 9, 5));
    const all = await shortList(w);
    assert.equal(all.length, 201);
    assert.deepEqual(all[0], ['closed', 10n, 11n, 12n]);
  });

  test('whatever the order of arrival, the alerts are the same', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, condition: { ...HOT.condition, forRows: 2 } }, 'ada', w.nowMs);
    let streamId = 100n;
    const value = fc.option(fc.integer({ min: 5, max: 10 }));
    const stream = fc.array(fc.array(value, { minLength: 1, maxLength: 4 }), { minLength: 2, maxLength: 8 });
    const orders = stream.chain((blocks) => {
      const firsts = blocks.map((_, i) => blocks.slice(0, i).flat().length);
      const all = blocks.map((rows, i) => warm(firsts[i]!, ...rows));
      return fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }));
    });
    const alertsOf = async (blocks: readonly BlockOf[]) => {
      const id = ++streamId;
      w.channels.set(id, w.channels.get(1n)!);
      for (const block of blocks) await w.take({ ...block, streamId: id });
      const rows = await w.db.query(
        `SELECT state, first_seq, last_seq, closed_seq, n_rows, value, peak FROM alert
         WHERE stream_id = $1 AND state IN ('open', 'closed') ORDER BY first_seq`,
        [id],
      );
      return rows.map((row) => ({ ...row }));
    };
    await fc.assert(
      fc.asyncProperty(orders, async ([sorted, shuffled]) => {
        assert.deepEqual(await alertsOf(shuffled), await alertsOf(sorted));
      }),
      { numRuns: 40, seed: 11 },
    );
  });

  test('by default each alarm row of any node is an alert, open until somebody acknowledges it', async () => {
    const w = await world();
    const event = {
      name: 'event',
      quantity: 'state',
      type: { kind: 'enum', labels: ['shock', 'fall', 'noMotion'] },
    } as const;
    w.channels.set(7n, [event]);
    const alarm = { streamId: 7n, stream: 'motion.alarm', logClass: 'alarm' } as const;
    await w.take({ ...alarm, first: 1, rows: [[1], [0]] });
    const open = await w.alerts.list({ state: 'open', limit: 10 });
    assert.deepEqual(
      open.map(({ severity, detail }) => [severity, detail]),
      [
        ['critical', 'event shock'],
        ['critical', 'event fall'],
      ],
    );
    assert.deepEqual(await deliveries(w), ['1 opened mail:ops@example.org', '2 opened mail:ops@example.org']);
    assert.equal(await w.alerts.acknowledge(open[0]!.id, { name: 'ada', note: 'drove there' }), true);
    assert.equal(await w.alerts.acknowledge(open[0]!.id, { name: 'bob', note: '' }), false);
    w.nowMs += 60_000;
    await w.alerts.acknowledge(open[0]!.id, { name: 'bob', note: 'found him\nwell' });
    const seen = await w.alerts.get(open[0]!.id);
    const note = 'drove there\n2026-11-23 02:01:00 UTC, bob: found him well';
    assert.deepEqual([seen!.state, seen!.acknowledged], ['closed', { ms: T0_MS, by: 'ada', note }]);
    const more = { name: 'bob', note: 'x'.repeat(1_000) };
    await assert.rejects(async () => {
      for (let i = 0; i < 8; i++) await w.alerts.acknowledge(open[0]!.id, more);
    }, /no more fit/);
    assert.deepEqual(await w.alerts.openByNode(), new Map([[NODE, 1]]));
  });

  test('an alarm without a descriptor is told at once; what names a channel is judged when the descriptor comes', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, scope: { stream: 'late' } }, 'ada', w.nowMs);
    await w.take({
      streamId: 9n,
      stream: 'late',
      logClass: 'alarm',
      first: 1,
      rows: [[9]],
      texts: [['12n']],
    });
    assert.deepEqual((await deliveries(w)).length, 1);
    await w.alerts.tick();
    assert.deepEqual((await deliveries(w)).length, 1);
    w.channels.set(9n, w.channels.get(1n)!);
    await w.alerts.tick();
    await w.alerts.tick();
    const rules = (await w.alerts.list({ limit: 10 })).map(({ rule }) => rule.spec.name);
    assert.deepEqual(rules.sort(), ['Alarm', 'Too warm']);
  });

  test('too many in an hour are kept, said once, and told later if they are still open', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, tellAtMostPerHour: 2 }, 'ada', w.nowMs);
    await w.take(warm(1, 9, 5, 9, 5, 9, 5, 9));
    assert.deepEqual(
      (await deliveries(w)).filter((line) => !line.includes('cleared')),
      ['1 opened mail:ops@example.org', '2 opened mail:ops@example.org', '3 flood mail:ops@example.org'],
    );
    assert.deepEqual(
      (await w.alerts.list({ limit: 10 })).map(({ held }) => held),
      ['flood', 'flood', undefined, undefined],
    );
    w.nowMs += 3_600_000;
    await w.alerts.tick();
    assert.ok((await deliveries(w)).includes('4 opened mail:ops@example.org'));
    assert.ok(!(await deliveries(w)).includes('3 opened mail:ops@example.org'));
  });

  test('what was held is told within the same bound: never all of it at once', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, condition: { kind: 'sos' }, tellAtMostPerHour: 5 }, 'ada', w.nowMs);
    await w.take(warm(1, ...new Array<number>(40).fill(9)));
    const told = async (hour: number) => {
      w.nowMs = T0_MS + hour * 3_600_000;
      for (let i = 0; i < 3; i++) await w.alerts.tick();
      const all = await deliveries(w);
      return ['opened', 'flood'].map((reason) => all.filter((line) => line.includes(` ${reason} `)).length);
    };
    assert.deepEqual(await told(0), [5, 1]);
    assert.deepEqual(await told(1), [10, 2]);
    assert.deepEqual(await told(2), [15, 3]);
  });

  test('a storm over many nodes is bounded too, and said once; of what is critical nothing is held', async () => {
    const w = await world();
    const noise = { ...HOT, scope: { class: 'alarm' }, condition: { kind: 'sos' } };
    await w.alerts.rules.put(noise, 'ada', w.nowMs);
    const many = Array.from({ length: 250 }, (_, i) => ({
      ...{ node: `00112233445${String(i).padStart(5, '0')}`, streamId: BigInt(100 + i) },
      ...{ stream: 'sos', logClass: 'alarm' as const, first: 1, rows: [[1]] },
    }));
    for (const one of many) await w.take(one);
    const all = await deliveries(w);
    assert.equal(all.filter((line) => line.includes(' opened ')).length, 250 + 200);
    assert.equal(all.filter((line) => line.includes(' flood ')).length, 1);
    assert.equal((await w.alerts.list({ state: 'open', limit: 500 })).length, 2 * 250);
  });

  test('whoever changes a rule ends no alarm of a person: it stays open, and goes on being escalated', async () => {
    const w = await world();
    const rule = {
      name: 'Pressed',
      severity: 'critical',
      scope: { class: 'alarm' },
      condition: { kind: 'sos' },
      escalate: [{ afterMin: 5, tell: ['mail:boss@example.org'] }],
    } as const;
    const id = await w.alerts.rules.put(rule, 'ada', w.nowMs);
    await w.take({ stream: 'sos', logClass: 'alarm', first: 1, rows: [[1]] });
    await w.alerts.rules.put({ ...rule, severity: 'warning' }, 'bob', w.nowMs, id);
    w.nowMs += 300_000;
    await w.alerts.tick();
    const mine = (await w.alerts.list({ limit: 9 })).filter(({ ruleId }) => ruleId === id);
    assert.deepEqual(
      mine.map(({ state, step }) => [state, step]),
      [['open', 1]],
    );
    await w.alerts.acknowledge(mine[0]!.id, { name: 'ada', note: '' });
    assert.equal((await w.alerts.get(mine[0]!.id))!.state, 'closed');
  });

  test('a person has the next step told at once; once somebody has it in hand, nobody', async () => {
    const w = await world();
    const escalate = [5, 60].map((afterMin) => ({ afterMin, tell: [`mail:after${afterMin}@example.org`] }));
    await w.alerts.rules.put({ ...HOT, escalate }, 'ada', w.nowMs);
    await w.take(warm(1, 9));
    assert.equal(await w.alerts.escalate(1n), true);
    assert.deepEqual(await deliveries(w), [
      '1 escalated mail:after5@example.org',
      '1 opened mail:ops@example.org',
    ]);
    // From 5 to 60: 55 minutes after the step before.
    assert.equal((await w.alerts.get(1n))!.nextStepMs, w.nowMs + 55 * 60_000);
    await w.alerts.acknowledge(1n, { name: 'ada', note: '' });
    assert.equal(await w.alerts.escalate(1n), false);
    assert.equal(await w.alerts.escalate(99n), false);
    assert.equal((await deliveries(w)).length, 2);
  });

  test('in maintenance alerts are kept and nobody is told; at its end of those that are still open', async () => {
    const w = await world();
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    const untilMs = w.nowMs + 600_000;
    await w.alerts.maintenance.set(
      { scope: `node:${NODE}`, untilMs, by: 'ada', note: 'new battery' },
      w.nowMs,
    );
    await w.take(warm(1, 9, 5, 9));
    assert.deepEqual(await deliveries(w), []);
    assert.deepEqual(
      (await w.alerts.list({ limit: 9 })).map(({ state, held }) => [state, held]),
      [
        ['open', 'maintenance'],
        ['closed', 'maintenance'],
      ],
    );
    w.nowMs = untilMs;
    await w.alerts.tick();
    assert.deepEqual(await deliveries(w), ['2 opened mail:ops@example.org']);
  });

  test('a rule that is changed ends its open alerts, and begins anew', async () => {
    const w = await world();
    const id = await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take(warm(1, 9));
    const other = { ...HOT, condition: { ...HOT.condition, above: 20 } };
    await w.alerts.rules.put(other, 'bob', w.nowMs, id);
    await assert.rejects(w.alerts.rules.put(other, 'eve', w.nowMs, id), /somebody else changed it/);
    await w.take(warm(2, 9));
    assert.deepEqual(await shortList(w), [['closed', 1n, 1n, undefined]]);
    assert.equal((await w.alerts.list({ limit: 1 }))[0]!.closedWhy, 'rule');
  });

  test('what a hostile node sends is no number, and breaks nothing', async () => {
    const w = await world();
    await w.alerts.rules.put({ ...HOT, condition: { ...HOT.condition, kind: 'rate' } }, 'ada', w.nowMs);
    w.channels.set(8n, [...w.channels.get(1n)!, { name: 'note', quantity: 'text', type: { kind: 'utf8' } }]);
    const rows = [
      [Number.POSITIVE_INFINITY, null],
      [-1e308, null],
      [1e308, null],
      [Number.NaN, null],
    ];
    const texts = rows.map(() => [null, 'a\0b\ud800']);
    await w.take({ streamId: 8n, first: 1, rows, texts });
    assert.deepEqual(await shortList(w), []);
    await w.take({ streamId: 8n, logClass: 'alarm', first: 5, rows: rows.slice(0, 1), texts });
    assert.match((await w.alerts.list({ limit: 1 }))[0]!.detail!, /note a/);
  });

  test('a rule of another version is said, and keeps nothing else from being judged', async () => {
    const w = await world();
    await w.db.query(`INSERT INTO rule (spec, since_ms, changed_by) VALUES ('{"name":"new kind"}', 1, 'x')`);
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    await w.take(warm(1, 9));
    await w.take(warm(2, 9));
    assert.equal((await shortList(w)).length, 1);
    assert.match(w.faults.join(), /^rule 3 is not followed, this version can't read it: severity: [^,]*,? ?/);
    assert.equal(w.faults.length, 1);
  });

  test('the list comes in pages, and by what one asks for', async () => {
    const w = await world();
    await w.alerts.rules.put(HOT, 'ada', w.nowMs);
    for (let i = 0; i < 5; i++) {
      w.nowMs += 1_000;
      await w.take(warm(10 * i, 9, 5));
    }
    const first = await w.alerts.list({ limit: 3 });
    const before = { openedMs: first[2]!.openedMs, id: first[2]!.id };
    const second = await w.alerts.list({ limit: 3, before });
    assert.deepEqual(
      [...first, ...second].map(({ id }) => id),
      [5n, 4n, 3n, 2n, 1n],
    );
    assert.deepEqual(await w.alerts.list({ limit: 3, node: 'ffffffffffffffff' }), []);
  });
});
