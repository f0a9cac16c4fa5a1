import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import {
  DeadLetters,
  Ingest,
  lineChecksum,
  type Outcome,
  REFUSALS,
  Spool,
} from '../../../fleet/ingest/index.js';
import { senmlTopic, statusTopic } from '../../../wire/index.js';
import { FakeStore } from './fake-store.js';
import { block, NODE, type Sent, senml } from './messages.js';

/** 1,000,000 each night: CAIRN_FUZZ_MESSAGES=1000000. */
const MESSAGES = Number(process.env.CAIRN_FUZZ_MESSAGES ?? 20_000);
const SEED = Number(process.env.CAIRN_FUZZ_SEED ?? 6);
const FORGED = 'ffffffffffffffff';

/** mulberry32. */
function randomFrom(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

type Random = ReturnType<typeof randomFrom>;

const LINE = 'CTRK,4711,12,2026-11-23T01:02:03Z,47.3769,8.5417,13.9,1,3.82,';
/** True ones, which were all taken before: any of them that comes again is a double. */
const TRUE: readonly Sent[] = [
  ...Array.from({ length: 8 }, (_, i) => block(10 * i, [i, i + 1, i + 2])),
  senml('truck', [
    { bn: 'truck/', bt: 1.7e9, n: 'temp', u: 'Cel', v: 20 },
    { n: 'label', vs: 'x' },
  ]),
  {
    topic: 'senml/truck',
    payload: Buffer.from('82a4216474726b2f22fb41d954fc400000000061780201a200617902f93c00', 'hex'),
  },
  {
    topic: senmlTopic(NODE, 'telemetry', 'climate'),
    payload: Buffer.from(JSON.stringify([{ bn: `${NODE}/climate/`, bt: 1.7e9, n: 't', v: 1 }])),
  },
  { topic: 'tracker/4711', payload: Buffer.from(`$${LINE}*${lineChecksum(LINE)}`) },
];
const KINDS = [
  'noise',
  'cut',
  'flipped',
  'forged',
  'elsewhere',
  'oversized',
  'padded',
  'replayed',
  'statusNoise',
  'jsonNoise',
] as const;
/** Kinds that no luck of the dice makes true. */
const NEVER_TRUE = new Set<(typeof KINDS)[number]>(['noise', 'forged', 'elsewhere', 'oversized']);

function bent(kind: (typeof KINDS)[number], random: Random): Sent {
  const { topic, payload } = TRUE[random(TRUE.length)]!;
  const bytes = Buffer.from(payload);
  const noise = () => Buffer.from(Array.from({ length: random(200) }, () => random(256)));
  switch (kind) {
    case 'noise':
      return { topic, payload: noise() };
    case 'cut':
      return { topic, payload: bytes.subarray(0, random(bytes.length)) };
    case 'flipped':
      bytes[random(bytes.length)]! ^= 1 << random(8);
      return { topic, payload: bytes };
    case 'forged':
      return {
        topic: `cairn/1/${FORGED}/${['telemetry/climate', 'senml/telemetry/climate', 'alarm/sos'][random(3)]}`,
        payload: TRUE[random(9)]!.payload,
      };
    case 'elsewhere':
      return {
        topic: ['', '/', 'cairn/2/x', `cairn/1/${NODE}/receipt`, 'senml/', 'a'.repeat(random(400))][
          random(6)
        ]!,
        payload,
      };
    case 'oversized':
      return { topic, payload: Buffer.alloc(1_048_577 + random(9)) };
    case 'padded':
      return { topic, payload: Buffer.concat([bytes, noise()]) };
    case 'replayed':
      return { topic, payload };
    case 'statusNoise':
      return {
        topic: statusTopic(NODE),
        payload: random(2) ? noise() : Buffer.from('['.repeat(random(9000))),
      };
    case 'jsonNoise': {
      const parts = [
        '[',
        ']',
        '{',
        '}',
        ',',
        ':',
        '"n"',
        '"v"',
        '"bt"',
        '1',
        '-1e308',
        'true',
        '"x"',
        '"z_"',
        '"__proto__"',
        '[[',
        'null',
      ];
      return {
        topic: 'senml/truck',
        payload: Buffer.from(
          `[${Array.from({ length: random(30) }, () => parts[random(parts.length)]).join('')}`,
        ),
      };
    }
  }
}

test(`${MESSAGES} malformed, oversized, forged and replayed messages: none stored as true, each counted by cause`, async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-fuzz-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const store = new FakeStore();
  const ingest = new Ingest({
    ...{ store, nowMs: () => 1_790_000_000_000 },
    spool: await Spool.open({ folder: join(folder, 'spool'), maxBytes: 1 << 20 }),
    alarmSpool: await Spool.open({ folder: join(folder, 'alarm-spool'), maxBytes: 1 << 20 }),
    deadLetters: await DeadLetters.open(join(folder, 'dead'), 1 << 20),
  });
  for (const { topic, payload } of TRUE)
    assert.equal((await ingest.take(topic, payload)).kind, 'held', topic);
  const held = new Set(store.held.keys());
  const random = randomFrom(SEED);
  const refused: Record<string, number> = {};
  const byKind: Record<string, number> = {};
  const note = (kind: (typeof KINDS)[number], outcome: Outcome, topic: string, payload: Uint8Array) => {
    byKind[`${kind} ${outcome.kind}`] = (byKind[`${kind} ${outcome.kind}`] ?? 0) + 1;
    if (outcome.kind === 'refusal') refused[outcome.cause] = (refused[outcome.cause] ?? 0) + 1;
    else
      assert.ok(
        !NEVER_TRUE.has(kind),
        `${kind} was taken, seed ${SEED}: ${topic} ${Buffer.from(payload.subarray(0, 200)).toString('hex')}`,
      );
  };
  for (let done = 0; done < MESSAGES; done += 500) {
    const some = Array.from({ length: Math.min(500, MESSAGES - done) }, () => KINDS[random(KINDS.length)]!);
    await Promise.all(
      some.map(async (kind) => {
        const { topic, payload } = bent(kind, random);
        note(kind, await ingest.take(topic, payload), topic, payload);
      }),
    );
  }
  await ingest.close();
  t.diagnostic(JSON.stringify({ byKind, refused }));
  assert.deepEqual(store.counts, refused, 'what the store counts is what was refused');
  assert.ok(Object.keys(refused).every((cause) => (REFUSALS as readonly string[]).includes(cause)));
  assert.equal(refused.undecodable, undefined, 'a fault of the decoder');
  const fresh = [...store.held.keys()].filter((key) => !held.has(key));
  // A flipped bit can make another true pack of one (its content has no checksum), never a block and never a line.
  assert.deepEqual(
    fresh.filter((key) => !key.startsWith('senml:truck') && !key.startsWith(`senml:${NODE}`)),
    [],
  );
});
