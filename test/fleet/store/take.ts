import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openStore, STORE_MIGRATIONS } from '../../../fleet/store/index.js';
import type { MetaRecord } from '../../../wire/index.js';
import type { Fresh } from '../db/databases.js';
import { anchor, block, logBlock, meta, NODE, S, T0, T0_MS } from './blocks.js';

const ALL = { fromNs: 0n, toNs: 2n ** 62n };
const DESCRIPTOR: MetaRecord = {
  kind: 'descriptor',
  value: {
    ...{ stream: 'position', version: 1, title: 'Where it is', class: 'telemetry' },
    channels: [
      { name: 'lat', quantity: 'latitude', type: { kind: 'f64' } },
      { name: 'lon', quantity: 'longitude', type: { kind: 'f64' } },
    ],
  },
};

export function takeSuite(fresh: Fresh): void {
  const open = async () => openStore(await fresh(STORE_MIGRATIONS), { nowMs: () => T0_MS });

  test('rows stand with their times and values; the same block is a double, another a conflict', async () => {
    const store = await open();
    // 10 s after boot is T0 + 10 s.
    await store.take([meta([anchor(0, T0)])], T0_MS);
    const [first] = await store.take([block([[21.5], [Number.NaN], [-3]], { quality: [0, 3, 1] })], T0_MS);
    assert.equal(first!.verdict, 'new');
    const { streamId } = first!.stream!;
    const again = await store.take(
      [
        block([[21.5], [Number.NaN], [-3]], { quality: [0, 3, 1] }),
        block([[9], [9], [9]]),
        block([[5], [6]], { first: 2 }),
      ],
      T0_MS,
    );
    assert.deepEqual(
      again.map(({ verdict, readings }) => [verdict, readings.map(({ sequence }) => sequence)]),
      [
        ['duplicate', []],
        ['conflict', []],
        ['conflict', [3n]],
      ],
    );
    const readings = await store.readings(streamId, ALL, 100);
    assert.deepEqual(
      readings.map(({ sequence, values, quality }) => ({ sequence, values, quality })),
      [
        { sequence: 0n, values: [21.5], quality: undefined },
        { sequence: 1n, values: [null], quality: 'f' },
        { sequence: 3n, values: [6], quality: undefined },
        { sequence: 2n, values: [-3], quality: 's' },
      ],
    );
    assert.equal(readings[0]!.wallNs, T0 + 10n * S);
    const kept = await store.conflicts(NODE);
    assert.deepEqual(kept.map(({ first: at, count }) => [at, count]).sort(), [
      [0n, 3n],
      [2n, 2n],
    ]);
  });

  test('received, lost and missing add up; received wins over a gap that may be none', async () => {
    const store = await open();
    const gap = (first: number, last: number | undefined, cause: 'quota' | 'overflow'): MetaRecord => ({
      kind: 'gap',
      value: { epoch: 'fedcba9876543210', stream: 'climate', first, last, cause, atMost: false },
    });
    await store.take([block([[1], [2]]), block([[1], [2]], { first: 10, atS: 20 })], T0_MS);
    await store.take(
      [meta([gap(2, 5, 'quota'), gap(6, 7, 'overflow'), gap(20, undefined, 'overflow')])],
      T0_MS,
    );
    await store.take([block([[7]], { first: 5, atS: 15 })], T0_MS);
    const node = await store.node(NODE, T0_MS);
    const climate = node!.streams.find(({ stream }) => stream === 'climate')!;
    assert.deepEqual(
      { received: climate.received, lost: climate.lost, missing: climate.missing },
      { received: 5n, lost: { quota: 3n, overflow: 2n }, missing: 2n },
    );
    assert.equal(node!.lostRows, 5n);
    assert.deepEqual(
      (await store.gaps(NODE)).map(({ first, last, cause }) => [first, last, cause]),
      [
        [2n, 5n, 'quota'],
        [6n, 7n, 'overflow'],
        [20n, undefined, 'overflow'],
      ],
    );
  });

  test('a node is in the list with where it is, how far it is, and how it is', async () => {
    const store = await open();
    await store.take([meta([DESCRIPTOR, anchor(0, T0)])], T0_MS);
    await store.take([block([[47.5, 8.25]], { stream: 'position', atS: 60 })], T0_MS + 60_000);
    await store.heard(NODE, T0_MS + 61_000, { state: 'online', software: 'cairn' });
    await store.rename(NODE, { name: 'Dock 7', group: 'prod' });
    const at = T0_MS + 62_000;
    const [node] = await store.nodes(at, { group: 'prod', search: 'dock' });
    assert.deepEqual(
      { ...node, heardMs: undefined },
      {
        ...{ node: NODE, name: 'Dock 7', group: 'prod', state: 'live', heardMs: undefined },
        ...{ latestWallNs: T0 + 60n * S, lostRows: 0n },
        position: { latitude: 47.5, longitude: 8.25, wallNs: T0 + 60n * S },
      },
    );
    assert.deepEqual(await store.nodes(at, { search: '%' }), []);
    const states = [at + 600_000, at + 86_400_000].map(async (nowMs) => (await store.nodes(nowMs))[0]!.state);
    assert.deepEqual(await Promise.all(states), ['late', 'silent']);
    await store.heard(NODE, at, { state: 'stopped' });
    const detail = await store.node(NODE, at);
    assert.deepEqual([detail!.state, detail!.status], ['silent', { state: 'stopped' }]);
    assert.deepEqual(detail!.streams.find(({ stream }) => stream === 'position')!.title, 'Where it is');
  });

  test('what comes late comes from a backlog', async () => {
    const store = await open();
    await store.take([meta([anchor(0, T0)])], T0_MS);
    await store.take([block([[1]], { atS: 10 })], T0_MS + 3_600_000);
    assert.equal((await store.nodes(T0_MS + 3_600_000))[0]!.state, 'backlog');
    await store.take([block([[1]], { first: 1, atS: 3_690 })], T0_MS + 3_700_000);
    assert.equal((await store.nodes(T0_MS + 3_700_000))[0]!.state, 'live');
    // An hour old, and no reading.
    await store.take([meta([anchor(100, T0 + 100n * S)], { first: 1, atS: 100 })], T0_MS + 3_700_000);
    const [node] = await store.nodes(T0_MS + 3_700_000);
    assert.deepEqual([node!.state, node!.latestWallNs], ['live', T0 + 3_690n * S]);
    const [fresh] = await store.take([meta([anchor(0, T0)], { node: 'b'.repeat(16) })], T0_MS);
    assert.equal((await store.node(fresh!.stream!.node, T0_MS))!.latestWallNs, undefined);
  });

  test('rows without a time come from a backlog too, by the clock of their boot', async () => {
    const newest = block([[1]], { first: 100, boot: 2, atS: 3_600 });
    const isOld: readonly (readonly [Parameters<typeof block>[1] & object, boolean])[] = [
      [{ boot: 1, atS: 99_999 }, true],
      [{ boot: 2, atS: 3_539 }, true],
      [{ boot: 2, atS: 3_541 }, false],
      [{ boot: 2, atS: 3_700 }, false],
    ];
    for (const [of, wanted] of isOld) {
      const store = await open();
      await store.take([newest], T0_MS);
      assert.equal((await store.nodes(T0_MS))[0]!.state, 'live');
      await store.take([block([[1]], of)], T0_MS);
      assert.equal((await store.nodes(T0_MS))[0]!.state, wanted ? 'backlog' : 'live', JSON.stringify(of));
    }
  });

  test('log lines: by level, group and words, the newest first, page by page', async () => {
    const store = await open();
    await store.take([meta([anchor(0, T0)])], T0_MS);
    const lines = [
      ['info', 'uplink', 'connected'],
      ['warn', 'bme280', 'no answer at 100% \0'],
      ['error', 'store', 'disk full'],
    ] as const;
    await store.take([logBlock(lines)], T0_MS);
    const texts = async (query: object) =>
      (await store.logs({ limit: 10, ...query })).map(({ text }) => text);
    assert.deepEqual(await texts({}), ['disk full', 'no answer at 100% \ufffd', 'connected']);
    assert.deepEqual(await texts({ level: 'error' }), ['disk full']);
    assert.deepEqual(await texts({ contains: '0% ' }), ['no answer at 100% \ufffd']);
    assert.deepEqual(await texts({ group: 'prod' }), []);
    const [newest] = await store.logs({ limit: 1 });
    const before = { wallNs: newest!.atNs, sequence: newest!.sequence };
    assert.deepEqual(await texts({ before, limit: 1 }), ['no answer at 100% \ufffd']);
  });

  test('log lines of many nodes that came at once are all there, page by page', async () => {
    const store = await open();
    const nodes = Array.from({ length: 7 }, (_, i) => String(i).padStart(16, '0'));
    await store.take(
      nodes.map((node) => logBlock([['info', 'm', node]], { node })),
      T0_MS,
    );
    const seen: string[] = [];
    let [line] = await store.logs({ limit: 1 });
    while (line) {
      seen.push(line.text);
      const before = { wallNs: line.atNs, sequence: line.sequence, streamId: line.streamId };
      [line] = await store.logs({ limit: 1, before });
    }
    assert.deepEqual(seen.sort(), nodes);
    await store.take(
      [logBlock([['error', 'm', 'again']], { node: nodes[3]!, epoch: '1'.repeat(16) })],
      T0_MS,
    );
    const own = await store.logs({ node: nodes[3]!, limit: 9 });
    assert.deepEqual(
      own.map(({ text }) => text),
      ['again', nodes[3]],
    );
    const [, last] = await store.logs({
      node: nodes[3]!,
      limit: 9,
      before: { ...own[0]!, wallNs: own[0]!.atNs },
    });
    assert.equal(last, undefined);
  });

  test('a node that only says its status is a node', async () => {
    const store = await open();
    await store.heard(NODE, T0_MS, { state: 'online' });
    const node = await store.node(NODE, T0_MS);
    assert.deepEqual([node!.status, node!.epochs, node!.streams], [{ state: 'online' }, [], []]);
    assert.equal(await store.node('nobody', T0_MS), undefined);
  });

  test('what `within` refuses is not taken', async () => {
    const store = await open();
    const one = [meta([anchor(0, T0)]), block([[1]])];
    await assert.rejects(
      store.take(one, T0_MS, () => Promise.reject(new Error('no'))),
      /^Error: no$/,
    );
    assert.deepEqual(await store.nodes(T0_MS), []);
    const taken = await store.take(one, T0_MS, async (tx, seen) => {
      assert.equal((await tx.query('SELECT seq FROM reading')).length, 1);
      assert.equal(seen.length, 2);
    });
    assert.equal(taken[1]!.readings[0]!.wallNs, T0 + 10n * S);
  });

  test('refusals are counted by cause', async () => {
    const store = await open();
    await store.refused({ badCrc: 2, 'no cause\0': 1 });
    await store.refused({ badCrc: 3 });
    assert.deepEqual({ ...(await store.refusals()) }, { badCrc: 5n, other: 1n });
  });
}
