import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { Ranges } from '../../fleet/ranges.js';
import { createReceiver, heldBy, type TakeResult } from '../../fleet/receive/index.js';
import { native } from '../../native/index.js';
import { blockTopic, decodeMeta, encodeMeta, type LogClass, type MetaRecord } from '../../wire/index.js';

const NODE = '0123456789abcdef';
const EPOCH = 'fedcba9876543210';
const S = 1_000_000_000n;

function block(
  stream: string,
  first: number,
  values: readonly number[],
  boot = 1,
  timeNs = 10n * S,
): Uint8Array {
  const header = { node: NODE, epoch: EPOCH, stream, first, boot, descriptorVersion: 1 };
  return native.encodeBlock(header, [{ kind: 'f64' }], {
    timesNs: BigInt64Array.from(values, (_, i) => timeNs + BigInt(i) * S),
    values: Float64Array.from(values),
    quality: new Uint8Array(values.length),
  });
}

let metaNext = 0;
function meta(...records: (MetaRecord | Uint8Array)[]): Uint8Array {
  const texts = records.map((one) => (one instanceof Uint8Array ? one : encodeMeta(one)));
  const header = { node: NODE, epoch: EPOCH, stream: 'meta', first: metaNext, boot: 1, descriptorVersion: 1 };
  metaNext += texts.length;
  return native.encodeBlock(header, [{ kind: 'bytes' }], {
    timesNs: new BigInt64Array(texts.length),
    values: new Float64Array(texts.length).fill(Number.NaN),
    quality: new Uint8Array(texts.length),
    texts,
  });
}

function rig() {
  metaNext = 0;
  const receiver = createReceiver();
  const topic = (stream: string, logClass: LogClass = 'telemetry') => blockTopic(NODE, logClass, stream);
  return {
    receiver,
    topic,
    rows: (...args: Parameters<typeof block>) => receiver.take(topic(args[0]), block(...args)),
    meta: (...args: Parameters<typeof meta>) => receiver.take(topic('meta', 'meta'), meta(...args)),
    line: (stream: string) => receiver.summary().find((one) => one.stream === stream)!,
  };
}

const gap = (
  first: number,
  last: number | undefined,
  cause: 'quota' | 'overflow' | 'uncleanStop' | 'epochEnd',
): MetaRecord => {
  return {
    kind: 'gap',
    value: { epoch: EPOCH, stream: 'climate', first, last, cause, atMost: cause === 'uncleanStop' },
  };
};

test('a block is handed out once; the same again is a duplicate; other bytes are a conflict, and both are kept', () => {
  const { rows, line } = rig();
  const kinds = [rows('climate', 0, [1, 2, 3]), rows('climate', 0, [1, 2, 3])].map((one) => one.kind);
  assert.deepEqual(kinds, ['rows', 'duplicate']);
  const other = rows('climate', 0, [1, 2, 4]);
  assert.ok(other.kind === 'rows' && other.rows.conflict);
  assert.deepEqual([...other.rows.block.values], [1, 2, 4]);
  const overlap = rows('climate', 2, [9, 9]);
  assert.ok(overlap.kind === 'rows' && overlap.rows.conflict, 'another cut of the same numbers');
  const { received, missing, duplicates, conflicts, next } = line('climate');
  assert.deepEqual(
    { received, missing, duplicates, conflicts, next },
    { received: 4, missing: 0, duplicates: 1, conflicts: 2, next: 4 },
  );
});

test('received ∪ gaps against produced: holes are missing until a gap says them', () => {
  const { rows, meta: record, line } = rig();
  rows('climate', 0, [1, 2]);
  rows('climate', 10, [1, 2]);
  assert.deepEqual(line('climate').missingRanges, [{ first: 2, last: 9 }]);
  record(gap(2, 5, 'quota'));
  assert.equal(line('climate').missing, 4);
  record(gap(6, 9, 'overflow'));
  const { missing, gaps, next } = line('climate');
  assert.deepEqual({ missing, gaps, next }, { missing: 0, gaps: { quota: 4, overflow: 4 }, next: 12 });
});

test('received wins over an at-most gap, before or after it; over an overflow it is a contradiction', () => {
  const { rows, meta: record, line } = rig();
  rows('climate', 0, [1, 2, 3]);
  record(gap(2, 9, 'uncleanStop'));
  rows('climate', 4, [1]);
  assert.deepEqual(line('climate').gaps, { uncleanStop: 6 });
  assert.equal(line('climate').contradictions, 0);
  record(gap(0, 1, 'overflow'));
  assert.equal(line('climate').contradictions, 2);
  assert.equal(line('climate').received, 4);
});

test('a gap alone tells of rows that were produced; an open one of an end', () => {
  const { meta: record, line } = rig();
  record(gap(0, 99, 'quota'));
  assert.deepEqual([line('climate').next, line('climate').missing], [100, 0]);
  record(gap(100, undefined, 'epochEnd'));
  assert.equal(line('climate').openFrom, 100);
});

test('a gap is of the epoch that it names, whichever block brings it, also after a restart', () => {
  const { receiver, meta, rows } = rig();
  const earlier = '00000000000000aa';
  rows('climate', 0, [1, 2, 3]);
  const record = gap(1, undefined, 'epochEnd');
  assert.ok(record.kind === 'gap');
  meta({ ...record, value: { ...record.value, epoch: earlier } });
  const restored = createReceiver();
  restored.restore(receiver.facts());
  for (const one of [receiver, restored]) {
    const openFrom = (epoch: string) =>
      one.summary().find((line) => line.epoch === epoch && line.stream === 'climate')?.openFrom;
    assert.equal(openFrom(EPOCH), undefined);
    assert.equal(openFrom(earlier), 1);
  }
});

test('what is not a block of that topic is counted by cause, and never thrown', () => {
  const { receiver, topic } = rig();
  const good = block('climate', 0, [1]);
  const bad = Uint8Array.from(good);
  bad[bad.length - 1]! ^= 1;
  const causes = [
    receiver.take(topic('climate'), new Uint8Array()),
    receiver.take(topic('climate'), bad),
    receiver.take(topic('other'), good),
    receiver.take(blockTopic('ffffffffffffffff', 'telemetry', 'climate'), good),
    receiver.take(topic('climate'), Uint8Array.from([...good, 0])),
    receiver.take(`cairn/1/${NODE}/senml/telemetry/climate`, good),
  ].map((one) => (one.kind === 'invalid' ? one.cause : one.kind));
  assert.deepEqual(causes, [
    'short',
    'badCrc',
    'topicMismatch',
    'topicMismatch',
    'topicMismatch',
    'topicMismatch',
  ]);
  assert.equal(receiver.summary().length, 0);
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      assert.equal(receiver.take(topic('climate'), bytes).kind, 'invalid');
    }),
  );
});

test('a damaged or later meta record costs itself only', () => {
  const { receiver, meta: record } = rig();
  const later = Uint8Array.from([0x82, 0x65, ...Buffer.from('later'), 0x01]);
  const result = record(later, Uint8Array.of(0xff), {
    kind: 'boot',
    value: { boot: 1, bootId: 'b', software: 's' },
  });
  assert.ok(result.kind === 'meta' && result.records.length === 1);
  assert.deepEqual(receiver.invalid, { 'meta.unknownKind': 1, 'meta.malformed': 1 });
});

const descriptor = (version: number): MetaRecord => {
  const channels = [{ name: 't', quantity: 'temperature', type: { kind: 'f64' } }] as const;
  return {
    kind: 'descriptor',
    value: { stream: 'climate', version, title: 'Air', class: 'telemetry', channels },
  };
};
const bootOf = (boot: number): MetaRecord => ({ kind: 'boot', value: { boot, bootId: 'b', software: 's' } });
const gapOf = (stream: string, first: number): MetaRecord => {
  return {
    kind: 'gap',
    value: { epoch: EPOCH, stream, first, last: first, cause: 'quota', atMost: false },
  };
};
/** A record of a kind that this version doesn't know: `["later", n]`. */
const laterRecord = (n: number) =>
  Uint8Array.from([0x82, 0x65, ...Buffer.from('later'), 0x19, n >> 8, n & 255]);

/** For each bound of the ledger: the records that fill it, one more that doesn't fit, and one that still does. */
const bounds: readonly [string, number, (n: number) => MetaRecord | Uint8Array, MetaRecord | Uint8Array][] = [
  ['descriptors', 1024, (n) => descriptor(n + 1), descriptor(7)],
  ['gap ranges', 16_384, (n) => gapOf('climate', 2 * n), gapOf('climate', 1)],
  // The meta stream is one of the 256.
  ['streams', 255, (n) => gapOf(`s${n}`, 0), gapOf('s7', 5)],
  ['records of a later version', 1024, laterRecord, laterRecord(7)],
];

for (const [name, max, recordOf, fitting] of bounds) {
  test(`FAULTS 30: a meta block that finds no room (${name}) is not held, and is had once there is room`, () => {
    const { receiver, meta: record } = rig();
    for (let n = 0; n < max; n += 256) {
      const some = Array.from({ length: Math.min(256, max - n) }, (_, i) => recordOf(n + i));
      assert.ok(heldBy(record(...some)), `${name} ${n}`);
    }
    const before = receiver.summary();
    metaNext = max;
    const full = record(recordOf(max), bootOf(3));
    assert.ok(full.kind === 'invalid' && full.cause === 'ledgerFull', full.kind);
    assert.match(full.text, /no room for 1 of 2 records of meta/);
    assert.equal(heldBy(full), undefined);
    assert.ok(
      full.facts.every(({ fact }) => fact === 'meta'),
      'what fitted is kept, the block is not received',
    );
    assert.deepEqual(
      receiver.summary().find(({ stream }) => stream === 'meta'),
      before.find(({ stream }) => stream === 'meta'),
    );
    metaNext = max;
    assert.equal(
      record(recordOf(max), bootOf(3)).kind,
      'invalid',
      'nor is it a duplicate when it comes again',
    );
    metaNext = max + 2;
    assert.ok(heldBy(record(fitting)), 'what needs no room of its own is still held');
    const empty = createReceiver();
    metaNext = max;
    const topic = blockTopic(NODE, 'meta', 'meta');
    assert.ok(heldBy(empty.take(topic, meta(recordOf(max), bootOf(3)))));
  });
}

test('a record of a later version is kept as it came: in the facts, over restarts, for who can read it', () => {
  const { receiver, meta: record } = rig();
  const result = record(laterRecord(1), bootOf(1));
  assert.ok(result.kind === 'meta' && heldBy(result));
  const kept = Buffer.from(laterRecord(1)).toString('base64');
  const has = (facts: Iterable<TakeResult['facts'][number]>) =>
    [...facts].filter((one) => one.fact === 'meta' && one.record === kept).length;
  assert.equal(has(result.facts), 1);
  const restored = createReceiver();
  restored.restore(JSON.parse(JSON.stringify([...receiver.facts()])));
  assert.equal(has(restored.facts()), 1);
  assert.deepEqual(restored.summary(), receiver.summary());
});

const anchor = (boot: number, monotonicNs: bigint, wallNs: bigint, uncertaintyNs: bigint): MetaRecord => {
  return { kind: 'anchor', value: { boot, monotonicNs, wallNs, uncertaintyNs, source: 'gnss' } };
};
const T0 = 1_700_000_000n * S;

test('a late anchor gives rows of its boot their time; the drift between two anchors is bounded by both', () => {
  const { receiver, rows, meta: record } = rig();
  const result = rows('climate', 0, [1]);
  assert.ok(result.kind === 'rows');
  assert.deepEqual(result.rows.timeOf(10n * S), { kind: 'unknown' });
  record(anchor(1, 1000n * S, T0, 5_000_000n));
  const time = result.rows.timeOf(10n * S);
  // 990 s at 100 ppm are 99 ms.
  assert.deepEqual(time, { kind: 'known', wallNs: T0 - 990n * S, uncertaintyNs: 104_000_000n });
  // The crystal runs 50 ppm slow: after 10,000 s the wall is 0.5 s ahead.
  record(anchor(1, 11_000n * S, T0 + 10_000n * S + S / 2n, 5_000_000n));
  const middle = receiver.timeOf(NODE, EPOCH, 1, 6_000n * S);
  assert.ok(middle.kind === 'known');
  const truth = T0 + 5_000n * S + S / 4n;
  const off = middle.wallNs > truth ? middle.wallNs - truth : truth - middle.wallNs;
  assert.ok(
    off <= middle.uncertaintyNs && middle.uncertaintyNs < 505_000_000n,
    `${off} ${middle.uncertaintyNs}`,
  );
});

test('of more than 1024 boots the oldest go, and each is receipted', () => {
  const { receiver, meta: record } = rig();
  for (let n = 0; n < 1280; n += 256) {
    assert.ok(heldBy(record(...Array.from({ length: 256 }, (_, i) => bootOf(n + i)))), `boot ${n}`);
  }
  const boots = [...receiver.facts()].flatMap((fact) => {
    const decoded = fact.fact === 'meta' ? decodeMeta(Buffer.from(fact.record, 'base64')) : undefined;
    return decoded?.kind === 'boot' ? [decoded.value.boot] : [];
  });
  assert.deepEqual([boots.length, Math.min(...boots), Math.max(...boots)], [1024, 256, 1279]);
});

test('a boot without an anchor lies between the boots around it', () => {
  const { receiver, rows, meta: record } = rig();
  record(anchor(1, 100n * S, T0, 0n));
  rows('climate', 0, [1], 2, 50n * S);
  rows('climate', 1, [1], 2, 80n * S);
  record(anchor(3, 1000n * S, T0 + 5000n * S, 0n));
  const time = receiver.timeOf(NODE, EPOCH, 2, 50n * S);
  assert.ok(time.kind === 'bounded');
  const near = (ns: bigint | undefined, wanted: bigint) => {
    assert.ok(
      ns !== undefined && ns <= wanted + S / 5n && ns >= wanted - S / 5n,
      `${ns} is not about ${wanted}`,
    );
  };
  // Boot 1 was alive at T0; boot 2 had run for 50 s. Boot 3 began at T0 + 4000 s, and boot 2 ran for another 30 s.
  near(time.notBeforeNs, T0 + 50n * S);
  near(time.notAfterNs, T0 + 3970n * S);
});

test('the facts put back make the same ledger', () => {
  const { receiver, rows, meta: record } = rig();
  const facts: TakeResult['facts'][number][] = [];
  const keep = (result: TakeResult) => facts.push(...result.facts);
  keep(rows('climate', 0, [1, 2]));
  keep(rows('climate', 5, [1, 2]));
  keep(rows('climate', 5, [1, 2]));
  keep(record(gap(2, 3, 'quota'), anchor(1, S, T0, 1n)));
  const fromJournal = createReceiver();
  fromJournal.restore(facts.map((fact) => JSON.parse(JSON.stringify(fact))));
  const fromSnapshot = createReceiver();
  fromSnapshot.restore([...receiver.facts()].map((fact) => JSON.parse(JSON.stringify(fact))));
  assert.deepEqual(fromSnapshot.summary(), receiver.summary());
  const { duplicates, ...rest } = receiver.summary().find((one) => one.stream === 'climate')!;
  assert.equal(duplicates, 1);
  assert.deepEqual(
    { ...fromJournal.summary().find((one) => one.stream === 'climate')!, duplicates },
    { ...rest, duplicates },
  );
  assert.deepEqual(fromJournal.timeOf(NODE, EPOCH, 1, S), { kind: 'known', wallNs: T0, uncertaintyNs: 1n });
  assert.equal(
    fromJournal.take(blockTopic(NODE, 'telemetry', 'climate'), block('climate', 5, [1, 2])).kind,
    'duplicate',
  );
});

test('ranges agree with a set of numbers', () => {
  const range = fc.tuple(fc.nat(60), fc.nat(8)).map(([first, more]) => ({ first, last: first + more }));
  const setOf = (ranges: readonly { first: number; last: number }[]) => {
    const set = new Set<number>();
    for (const { first, last } of ranges) for (let i = first; i <= last; i++) set.add(i);
    return set;
  };
  fc.assert(
    fc.property(
      fc.array(range, { maxLength: 12 }),
      fc.array(range, { maxLength: 12 }),
      range,
      (a, b, probe) => {
        const [ours, other] = [new Ranges(a), new Ranges(b)];
        const [set, without] = [setOf(a), setOf(b)];
        assert.equal(ours.count, set.size);
        assert.deepEqual(setOf(ours.list), new Set([...set].sort((x, y) => x - y)));
        assert.deepEqual(
          setOf(ours.minus(other).list),
          new Set([...set].filter((i) => !without.has(i)).sort((x, y) => x - y)),
        );
        const inProbe = [...set].filter((i) => i >= probe.first && i <= probe.last).length;
        assert.equal(ours.countIn(probe.first, probe.last), inProbe);
        assert.equal(ours.end, Math.max(-1, ...set) + 1);
        for (const [i, one] of ours.list.entries())
          assert.ok(i === 0 || one.first > ours.list[i - 1]!.last + 1);
      },
    ),
    { numRuns: 500 },
  );
});
