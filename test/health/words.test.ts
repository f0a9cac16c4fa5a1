import assert from 'node:assert/strict';
import { test } from 'node:test';
import { HEALTH_MAX_BYTES, healthWords } from '../../runtime/health/index.js';
import type { FlashStatus } from '../../runtime/store/index.js';
import { facts, NOW_NS, node, part, store, trouble, uplink } from './why/facts.js';

const flash = (daysLeft: number, lookedS: number) =>
  ({
    ...{ daysLeft, lookedS, bytesPerDay: 123_456_789.4, writtenBytes: 1e9, enduranceBytes: 1e13 },
  }) as FlashStatus;
const bytesOf = (words: object) => Buffer.byteLength(JSON.stringify(words));
/** As the fleet gets it. */
const said = (...given: Parameters<typeof healthWords>) => JSON.parse(JSON.stringify(healthWords(...given)));

test('a node that is well: no cause, its parts, and its figures', () => {
  const classes = [
    { class: 'telemetry', commits: 3, blocks: 5, bytes: 4_000, quotaBytes: 1e6 },
    { class: 'log', commits: 1, blocks: 2, bytes: 500, quotaBytes: 1e6 },
  ] as const;
  const budget = { link: 'lte', isCurrent: true, budgetBytesPerDay: 1e6, leftBytes: 4e5, usedBytes: 6e5 };
  assert.deepEqual(
    said(
      facts({
        node: node({
          store: store({ classes, flash: flash(1461.9, 3600) }),
          uplink: uplink({ budgets: [{ ...budget, link: 'wifi', isCurrent: false }, budget], waiting: 2 }),
        }),
        life: {
          problems: [],
          failedStarts: 0,
          lastEnd: undefined,
          config: { state: 'good', sha256: 'ab'.repeat(32) },
        },
      }),
    ),
    {
      ...{ causes: [], causeCount: 0, parts: { climate: 'ok' }, partCount: 1 },
      machine: { uptimeS: 3600, temperatureC: 48, memoryAvailableBytes: 4e8 },
      store: {
        ...{ state: 'ok', backlogBlocks: 7, backlogBytes: 4_500, diskBytes: 1e6, diskFreeBytes: 2e9 },
      },
      flash: { bytesPerDay: 123_456_789, daysLeft: 1461 },
      uplink: { connects: 1, waitingBlocks: 2, link: 'lte', budgetLeftBytes: 4e5 },
      clock: { state: 'set', uncertaintyMs: 1 },
      config: { state: 'good', sha256: 'abababababab' },
    },
  );
});

test('a rate of the first half hour says nothing of how long the flash lasts', () => {
  const young = said(facts({ node: node({ store: store({ flash: flash(30, 1_700) }) }) }));
  assert.equal(young.flash, undefined);
  const worn = said(facts({ node: node({ store: store({ flash: flash(0, 60) }) }) }));
  assert.equal(worn.flash.daysLeft, 0);
});

test('a part that fails is the first cause, with what to do and since when', () => {
  const lastGoodNs = NOW_NS - 90_000_000_000n;
  const parts = [
    part(),
    part({ id: 'motion', state: 'failing', lastErrorKind: 'noAcknowledge', lastGoodNs }),
  ];
  const words = said(facts({ node: node({ parts }) }));
  assert.deepEqual(words.parts, { motion: 'failing', climate: 'ok' });
  assert.deepEqual(words.causes, [
    {
      ...{ rule: 'part.missing', about: 'motion', what: 'motion doesn’t answer at i2c-1 0x76', sinceS: 90 },
      todo: 'look at its plug and its supply; cairn parts looks further',
    },
  ]);
});

test('why the link was away is no cause once it is told by the link; that receipts can’t be heard is', () => {
  const online = { link: { state: 'online', since: 0n, protocol: 5 } } as const;
  const away = said(facts({ node: node({ uplink: { ...trouble('dns'), ...online } }) }));
  assert.deepEqual(away.causes, []);
  const deaf = said(facts({ node: node({ uplink: { ...trouble('subscription'), ...online } }) }));
  assert.equal(deaf.causes[0].rule, 'uplink.refused');
});

test('without a clock there are ages only, and the clock says so', () => {
  const time = { bootNs: NOW_NS, wallNs: undefined, uncertaintyNs: undefined };
  const words = said(facts({ node: node({ time }) }));
  assert.deepEqual(words.clock, { state: 'unset' });
  assert.equal(words.causes[0].rule, 'time.unset');
});

test('64 parts that fail for long reasons, and all else that can be wrong, keep to the bound', () => {
  const parts = Array.from({ length: 64 }, (_, i) =>
    part({
      id: `a-part-with-a-long-name-${i}`,
      state: 'failing',
      lastErrorKind: 'badCrc',
      where: 'ü'.repeat(99),
    }),
  );
  const reason = 'EIO: i/o error\nwrite \u0007'.repeat(40);
  const health = { state: 'notWriting', since: 0n, reason, waitingRows: 40_000 } as const;
  const all = facts({
    node: node({
      parts,
      store: store({ health, flash: flash(10, 3600) }),
      uplink: uplink({ refusals: { noSubscriber: 4 }, lastReceiptNs: undefined }),
    }),
    life: {
      problems: [],
      failedStarts: 0,
      lastEnd: 'watchdog (killed ABRT)'.repeat(9),
      config: { state: 'safe', sha256: 'ab', why: 'x'.repeat(999) },
    },
    machine: { ...facts().machine, isUnderVoltage: true },
  });
  const words = said(all);
  assert.ok(bytesOf(words) <= HEALTH_MAX_BYTES, `${bytesOf(words)} bytes`);
  assert.ok(words.causes.length >= 2, 'the deepest causes have room');
  assert.equal(words.causes[0].rule, 'config.crashes');
  assert.ok(words.causes[0].todo);
  assert.equal(words.partCount, 64);
  assert.ok(words.causeCount > 60);
  assert.ok(!/\p{Cc}/u.test(JSON.stringify(words)));
});

test('parts that are well make room for those that are not, and for the causes', () => {
  const parts = Array.from({ length: 64 }, (_, i) => part({ id: `part${i}` }));
  const words = said(facts({ node: node({ parts: [...parts, part({ id: 'last', state: 'missing' })] }) }));
  assert.ok(bytesOf(words) <= HEALTH_MAX_BYTES);
  assert.equal(Object.keys(words.parts)[0], 'last');
  assert.equal(words.causes.length, 1);
  assert.ok(Object.keys(words.parts).length > 10);
});
