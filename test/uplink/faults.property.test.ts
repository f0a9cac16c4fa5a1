import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { createUplink } from '../../runtime/uplink/index.js';
import type { LogClass } from '../../wire/index.js';
import { SimClock } from '../support/sim-clock.js';
import { FakePort, type Sent } from './fake-port.js';
import { FakeStore } from './fake-store.js';

const WINDOW = 6;
const streams = { alarm: 'sos', event: 'tag', telemetry: 'climate', bulk: 'imu', log: 'log' } as const;

const CHANNELS = [{ name: 'state', quantity: 'count', type: { kind: 'int' } }] as const;

type Step =
  | { readonly do: 'commit'; readonly class: keyof typeof streams; readonly blocks: number }
  | { readonly do: 'meta'; readonly of: keyof typeof streams }
  | { readonly do: 'answer'; readonly which: number; readonly code: number }
  | { readonly do: 'cut' }
  | { readonly do: 'wait'; readonly ms: number };

const anyClass = fc.constantFrom(...(Object.keys(streams) as (keyof typeof streams)[]));

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('commit' as const),
      class: anyClass,
      blocks: fc.integer({ min: 1, max: 90 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('meta' as const), of: anyClass }) },
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('answer' as const),
      which: fc.nat(WINDOW),
      code: fc.constantFrom(0, 0, 0, 0, 0x10, 0x83, 0x97),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: 'cut' as const }) },
  {
    weight: 3,
    arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 3_000 }) }),
  },
);

/** A whole life under faults, then health: everything must have left, once, and meta in front of what followed it. */
async function live(steps: readonly Step[], readMs: number): Promise<void> {
  const store = new FakeStore();
  const clock = new SimClock();
  const port = new FakePort();
  const read = store.read.bind(store);
  store.read = async (...request) => {
    const blocks = await read(...request);
    // A slow card: what was read is old news by the time it is here.
    if (readMs > 0) await clock.delay(readMs);
    return blocks;
  };
  let unanswered: Sent[] = [];
  const metaSent = new Set<string>();
  let metaRefused = false;
  const mustPrecede = new Map<string, string[]>();
  const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
  const uplink = createUplink({
    config: {
      ...{ url: 'mqtt://x', protocol: 'auto', payloads: ['packet'], window: WINDOW, pubackDeadlineMs: 2_000 },
      ...{ keepAliveS: 30, backoffMinMs: 100, backoffMaxMs: 2_000 },
    },
    ...{
      node: store.node,
      store,
      clock,
      random: () => 0.5,
      log: () => undefined,
      software: '',
    },
    connect: (options, events) => {
      unanswered = [];
      const link = port.connect(options, {
        ...events,
        down: (why) => {
          unanswered = [];
          events.down(why);
        },
      });
      clock.after(1, () => {
        if (!port.last.destroyed) events.connected({ receiveMaximum: 65_535, maximumPacketBytes: 1e6 });
      });
      return link;
    },
  });
  const metas: { readonly of: LogClass; readonly key: string }[] = [];
  const look = () => {
    for (const sent of port.take()) {
      if (sent.link !== port.links.length - 1) continue;
      const key = hex(sent.payload);
      assert.ok(!unanswered.some((one) => hex(one.payload) === key), 'nothing is under way twice');
      unanswered.push(sent);
      // Refused descriptors hold nobody back: an alarm must not wait for an access list.
      for (const meta of mustPrecede.get(key) ?? [])
        assert.ok(metaRefused || metaSent.has(meta), 'meta went first');
      if (sent.topic.endsWith('/meta')) metaSent.add(key);
      assert.ok(unanswered.length <= WINDOW, `${unanswered.length} unanswered`);
    }
  };
  const answer = (at: number, code: number) => {
    const [sent] = unanswered.splice(at % Math.max(1, unanswered.length), 1);
    if (sent?.topic.endsWith('/meta') && code !== 0) metaRefused = true;
    if (sent) port.answer(sent, sent.topic.endsWith('/status') ? 0 : code);
  };
  uplink.start();
  for (const one of steps) {
    if (one.do === 'commit') {
      const logClass: LogClass = one.class;
      const block = { class: logClass, stream: streams[one.class] };
      for (const made of store.commit(Array.from({ length: one.blocks }, () => block))) {
        // An alarm waits for what it is understood by, the others for all that came before.
        const its = metas.filter(({ of }) => logClass !== 'alarm' || of === 'alarm');
        mustPrecede.set(
          hex(made.bytes),
          its.map(({ key }) => key),
        );
      }
    } else if (one.do === 'meta') {
      const { of } = one;
      const title = `${metas.length}`;
      const value = { stream: streams[of], version: 1, title, class: of, channels: CHANNELS };
      const [made] = store.commitMeta({ kind: 'descriptor', value });
      metas.push({ of, key: hex(made!.bytes) });
    } else if (one.do === 'answer') answer(one.which, one.code);
    else if (one.do === 'cut') {
      if (!port.last.destroyed && uplink.status().link.state === 'online') port.down('reset');
    } else await clock.advance(one.ms);
    await clock.advance(0);
    look();
  }
  for (let i = 0; i < 3_000 && store.left.length > 0; i++) {
    look();
    while (unanswered.length > 0) answer(0, 0);
    await clock.advance(i % 10 === 9 ? 2_100 : readMs);
  }
  assert.equal(store.left.length, 0, 'the backlog drains once the faults stop');
  const disposed = new Set(store.disposed.map((one) => JSON.stringify(one.position)));
  assert.equal(disposed.size, store.disposed.length);
  assert.ok(store.disposed.every((one) => one.kind === 'receipt'));
}

test('under any refusals and cuts nothing is lost, freed twice, or sent before its meta', {
  timeout: 200_000,
}, async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 60 }), fc.constantFrom(0, 40), live),
    {
      numRuns: 300,
      includeErrorInReport: true,
    },
  );
});
