import assert from 'node:assert/strict';
import { test } from 'node:test';
import { noticeLine, noticeOf } from '../../fleet/receive/notice.js';

const TOPIC = 'cairn/1/0123456789abcdef/notice/sos';
const bytes = (value: unknown) => new TextEncoder().encode(JSON.stringify(value));

test('a notice is a SenML pack of its node and stream, with its wall time or its age', () => {
  // RFC 8428, 5.1.3: base time and time are summed, in seconds since 1970.
  const line = noticeLine(noticeOf(TOPIC, bytes([{ bt: 1767225600, t: 0.5, n: 'state', vs: 'pressed' }]))!);
  assert.match(line, /^012345 sos NOTICE.* 2026-01-01T00:00:00\.500Z {2}state pressed$/);
  assert.match(
    noticeLine(noticeOf(TOPIC, bytes([{ n: 'a', v: 1, t: -2.5 }]))!),
    / 2\.5 s before it was sent /,
  );
});

test('no notice ends the receiver: a time beyond all dates is said, what is no pack is refused', () => {
  for (const bt of [1e300, -1e300, 'soon', null])
    assert.match(noticeLine(noticeOf(TOPIC, bytes([{ n: 'a', bt }]))!), /NOTICE/);
  for (const wrong of [{}, 'x', [1], [{}]]) assert.throws(() => noticeOf(TOPIC, bytes(wrong)));
  assert.throws(() => noticeOf('cairn/1/nobody/notice/sos', bytes([])));
  assert.equal(noticeOf('cairn/1/0123456789abcdef/alarm/sos', bytes([])), undefined);
});
