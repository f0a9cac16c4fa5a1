import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Facts, FINDING_KINDS, type FindingKind, why } from '../../../runtime/health/index.js';
import type { FlashStatus, StreamStatus } from '../../../runtime/store/index.js';
import type { GapCause } from '../../../wire/index.js';
import { facts, NOW_NS, node, part, store, trouble, uplink } from './facts.js';

const MINUTE_NS = 60_000_000_000n;
const machine = facts().machine;
const life = facts().life;
const refusing = (reason: string) =>
  store({ health: { state: 'notWriting', since: NOW_NS - MINUTE_NS, reason, waitingRows: 40 } });
const gap = (cause: GapCause, rows: number) =>
  ({
    stream: 'climate',
    class: 'telemetry',
    next: 9,
    limit: 9,
    committed: 9,
    gaps: { [cause]: rows },
  }) as StreamStatus;
const flash = (daysLeft: number, lookedS: number) =>
  ({ daysLeft, lookedS, writtenBytes: 1e12, enduranceBytes: 2.4e12, bytesPerDay: 5e9 }) as FlashStatus;
const wiring = (kind: string, id: string, where: string) => [
  { kind, parts: [id], where, found: 'what was seen', todo: 'what to do', line: '' },
];
const sky = (goodNs: bigint) => ({
  ...{ stream: 'gps.sky', partId: 'gps', timeNs: NOW_NS },
  cells: [{ channel: 'inView', value: 0, unit: '', quality: 'good' as const }],
  goodNs: { maxSnr: goodNs },
});

/** Each kind of trouble, the facts that show it, and what it is about. */
const CASES: readonly (readonly [kind: FindingKind, about: string, facts: Facts])[] = [
  ['config.wrong', 'node', facts({ life: { ...life, problems: ['node.yaml:3:5: no such board'] } })],
  ['config.crashes', 'node', facts({ node: undefined, life: { ...life, failedStarts: 3 } })],
  [
    'config.crashes',
    'node',
    facts({ life: { ...life, config: { state: 'safe', sha256: 'ab', why: 'three starts' } } }),
  ],
  [
    'config.reverted',
    'node',
    facts({
      life: {
        ...life,
        config: {
          ...{ state: 'good', sha256: 'ab' },
          lastOutcome: { what: 'reverted', why: 'expired', sha256: 'cd', text: 'reverted after 10 min' },
        },
      },
    }),
  ],
  [
    'machine.underVoltage',
    'machine',
    facts({ machine: { ...machine, isUnderVoltage: true, isThrottled: true } }),
  ],
  ['machine.hot', 'machine', facts({ machine: { ...machine, isThrottled: true, temperatureC: 82 } })],
  ['machine.memory', 'machine', facts({ machine: { ...machine, memoryAvailableBytes: 1e7 } })],
  [
    'disk.readOnly',
    'store',
    facts({ disk: { ...facts().disk!, isReadOnly: true }, node: node({ store: refusing('EROFS') }) }),
  ],
  [
    'disk.full',
    'store',
    facts({ disk: { ...facts().disk!, freeBytes: 1e5 }, node: node({ store: refusing('ENOSPC') }) }),
  ],
  ['disk.failing', 'store', facts({ node: node({ store: refusing('EIO') }) })],
  ['process.absent', 'node', facts({ node: undefined })],
  ['process.watchdog', 'node', facts({ life: { ...life, lastEnd: 'watchdog (killed ABRT)' } })],
  ['process.watchdog', 'machine', facts({ machine: { ...machine, wasReset: true } })],
  ['process.ended', 'node', facts({ life: { ...life, lastEnd: 'signal (killed SEGV)' } })],
  [
    'bus.stuck',
    'i2c-1',
    facts({ node: node({ parts: [part({ state: 'failing', lastErrorKind: 'busStuck' })] }) }),
  ],
  [
    'part.missing',
    'climate',
    facts({ node: node({ parts: [part({ state: 'failing', lastErrorKind: 'noAcknowledge' })] }) }),
  ],
  [
    'part.failing',
    'climate',
    facts({ node: node({ parts: [part({ state: 'failing', lastErrorKind: 'badCrc' })] }) }),
  ],
  [
    'part.address',
    'climate',
    facts({
      node: node({ parts: [part({ state: 'failing' })] }),
      wiring: wiring('otherAddress', 'climate', 'i2c-1 0x76'),
    }),
  ],
  [
    'part.baud',
    'gps',
    facts({
      node: node({ parts: [part({ id: 'gps', state: 'failing' })] }),
      wiring: wiring('otherBaud', 'gps', '/dev/ttyS1'),
    }),
  ],
  ['gnss.antenna', 'gps', facts({ node: node({ parts: [part({ id: 'gps' })] }), latest: [sky(0n)] })],
  [
    'time.unset',
    'time',
    facts({ node: node({ time: { bootNs: NOW_NS, wallNs: undefined, uncertaintyNs: undefined } }) }),
  ],
  [
    'network.down',
    'uplink',
    facts({ machine: { ...machine, hasNetwork: false }, node: node({ uplink: trouble('dns') }) }),
  ],
  ['uplink.dns', 'uplink', facts({ node: node({ uplink: trouble('dns') }) })],
  ['uplink.certificate', 'uplink', facts({ node: node({ uplink: trouble('tlsExpired') }) })],
  ['uplink.refused', 'uplink', facts({ node: node({ uplink: trouble('auth') }) })],
  ['uplink.down', 'uplink', facts({ node: node({ uplink: trouble('timeout') }) })],
  [
    'uplink.receipts',
    'uplink',
    facts({ node: node({ uplink: uplink({ refusals: { noSubscriber: 4 }, lastReceiptNs: undefined }) }) }),
  ],
  [
    'uplink.receipts',
    'uplink',
    facts({ node: node({ uplink: uplink({ custody: 'fleet', waiting: 9, lastReceiptNs: undefined }) }) }),
  ],
  ['flash.worn', 'store', facts({ node: node({ store: store({ flash: flash(90, 3000) }) }) })],
  ['flash.worn', 'store', facts({ node: node({ store: store({ flash: flash(0, 60) }) }) })],
  ['store.quota', 'climate', facts({ node: node({ store: store({ streams: [gap('quota', 120)] }) }) })],
  ['store.lost', 'climate', facts({ node: node({ store: store({ streams: [gap('overflow', 7)] }) }) })],
  ['store.lost', 'climate', facts({ node: node({ store: store({ streams: [gap('rot', 7)] }) }) })],
  ['store.lost', 'climate', facts({ node: node({ store: store({ streams: [gap('rejected', 7)] }) }) })],
];

test('a node that is well has no cause; nor has one that has just begun, or whose link is made anew', () => {
  assert.deepEqual(why(facts()), []);
  const young = { bootNs: MINUTE_NS, wallNs: undefined, uncertaintyNs: undefined };
  assert.deepEqual(why(facts({ nowNs: MINUTE_NS, node: node({ time: young }) })), []);
  const briefly = trouble('reset');
  const since = { ...briefly.trouble!, sinceNs: NOW_NS - 5_000_000_000n };
  assert.deepEqual(why(facts({ node: node({ uplink: { ...briefly, trouble: since } }) })), []);
  const started = store({ flash: flash(3, 600) });
  assert.deepEqual(why(facts({ node: node({ store: started }) })), [], 'a start writes more than an hour');
  const thinned = store({ streams: [gap('thinned', 50), gap('uncleanStop', 3)] });
  assert.deepEqual(why(facts({ node: node({ store: thinned }) })), []);
  const sparse = { ...uplink({ link: { state: 'online', since: NOW_NS - MINUTE_NS, protocol: 5 } }) };
  const waiting = uplink({ ...sparse, custody: 'fleet', waiting: 3, lastReceiptNs: undefined });
  assert.deepEqual(why(facts({ node: node({ uplink: waiting }) })), [], 'receipts have five minutes');
  assert.deepEqual(
    why(facts({ node: node({ parts: [part({ id: 'gps' })] }), latest: [sky(NOW_NS - MINUTE_NS)] })),
    [],
  );
  assert.deepEqual(
    why(facts({ node: node({ uplink: undefined }), machine: { ...machine, hasNetwork: false } })),
    [],
  );
});

for (const [kind, about, shown] of CASES) {
  test(`${kind}: it is named, alone, with what shows it and what to do`, () => {
    const causes = why(shown);
    assert.deepEqual(
      causes.map((cause) => [cause.kind, cause.about]),
      [[kind, about]],
    );
    const [{ what, evidence, todo }] = causes as [(typeof causes)[0]];
    assert.ok(what.length > 10 && todo.length > 5 && evidence.length > 0, `${what}: ${todo}`);
  });
}

test('every kind has a case here', () => {
  const tried = new Set(CASES.map(([kind]) => kind));
  assert.deepEqual(
    FINDING_KINDS.filter((kind) => !tried.has(kind)),
    [],
  );
});

test('what follows from a cause stands under it, and the deepest comes first', () => {
  const offline = facts({
    machine: { ...machine, hasNetwork: false },
    node: node({
      uplink: trouble('dns'),
      store: store({ streams: [gap('quota', 120)] }),
      time: { bootNs: NOW_NS, wallNs: undefined, uncertaintyNs: undefined },
    }),
  });
  const [cause, ...more] = why(offline);
  assert.deepEqual(more, []);
  assert.equal(cause!.kind, 'network.down');
  assert.deepEqual(
    cause!.breaks.map(({ kind }) => kind),
    ['time.unset', 'uplink.dns', 'store.quota'],
  );
  const broken = why(
    facts({
      node: undefined,
      life: { ...life, problems: ['x'] },
      machine: { ...machine, isUnderVoltage: true },
    }),
  );
  assert.deepEqual(
    broken.map(({ kind, breaks }) => [kind, breaks.map((one) => one.kind)]),
    [
      ['config.wrong', ['process.absent']],
      ['machine.underVoltage', []],
    ],
  );
});

test('a stuck bus is one cause, however many parts hang on it', () => {
  const held = ['climate', 'imu', 'power'].map((id, i) =>
    part({
      id,
      where: `i2c-1 0x7${i}`,
      state: 'failing',
      lastErrorKind: 'busStuck',
      lastError: 'SDA is low',
    }),
  );
  const [cause, ...more] = why(facts({ node: node({ parts: held }) }));
  assert.deepEqual(more, []);
  assert.equal(cause!.evidence.length, 3);
  assert.match(cause!.what, /climate, imu, power/);
});

test('a full store is one cause, whatever streams it took from', () => {
  const streams = ['a', 'b', 'c', 'd', 'e', 'f'].map((stream, i) => ({ ...gap('quota', 10 + i), stream }));
  const [cause, ...more] = why(facts({ node: node({ store: store({ streams }) }) }));
  assert.deepEqual(more, []);
  assert.match(cause!.what, /^75 rows of f, e, d, c and 2 more were given up/);
  assert.equal(cause!.about, 'f, e, d, c, b, a');
});

test('safe mode says why it is, and not how many starts were counted meanwhile', () => {
  const config = { state: 'safe', sha256: 'ab', why: '3 starts of node.yaml in a row ended' } as const;
  const [cause] = why(facts({ life: { ...life, config, failedStarts: 2 } }));
  assert.deepEqual(cause!.evidence, ['3 starts of node.yaml in a row ended']);
});

test('no kind is due to one that is named after it: a chain of causes ends', () => {
  for (const [, , shown] of CASES) {
    for (const cause of why(shown)) {
      for (const due of cause.dueTo ?? [])
        assert.ok(
          FINDING_KINDS.indexOf(due) < FINDING_KINDS.indexOf(cause.kind),
          `${cause.kind} due to ${due}`,
        );
    }
  }
});
