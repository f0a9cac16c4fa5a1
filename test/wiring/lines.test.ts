import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createWorld, type LineSight } from '../../runtime/board/index.js';
import type { EdgeAnswer } from '../../runtime/requests/index.js';
import type { Heard } from '../../runtime/tap.js';
import { nodeConfig, partConfig } from '../board/fixture.js';
import { SimClock } from '../support/sim-clock.js';
import { all, requestsAlone } from './asked.js';
import { driver } from './support.js';

const sos = partConfig('sos', driver('contact'), {
  ...{ kind: 'gpio', line: 'GPIO17', activeLow: false },
  ...{ bias: 'asIs', debounceUs: 0 },
});

test('lines of the parts, and their edges as they come, until nobody listens', async (t) => {
  const clock = new SimClock();
  const worldAt = createWorld(1, 0n);
  const pressed = { since: Number.POSITIVE_INFINITY };
  const world = (timeNs: bigint) => ({
    ...worldAt(timeNs),
    contactActive: Number(timeNs) / 1e6 >= pressed.since,
  });
  const { requests } = await requestsAlone(t, nodeConfig([sos]), { clock, world }, [sos]);
  const [line] = await all<LineSight>(requests.lines!({}));
  assert.deepEqual(
    [line!.line, line!.part, line!.direction, line!.trouble],
    ['GPIO17', 'sos', 'in', undefined],
  );
  assert.equal(line!.edges, undefined, 'nobody counts them');
  const answers = requests.edges!({ line: 'sos' }) as AsyncIterableIterator<Heard<EdgeAnswer>>;
  await clock.advance(50);
  pressed.since = Number(clock.nowNs()) / 1e6 + 20;
  await clock.advance(100);
  const { value } = await answers.next();
  assert.deepEqual([value.item.isRising === (line!.level === 0), value.item.lost], [true, 0]);
  await answers.return!();
  assert.equal((await answers.next()).done, true);
  await assert.rejects(all(requests.edges!({ line: 'GPIO99' })), { kind: 'absent' });
});
