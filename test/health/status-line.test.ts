import assert from 'node:assert/strict';
import { test } from 'node:test';
import { lastEnd, statusLine } from '../../runtime/health/index.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';

type Shown = Parameters<typeof statusLine>[0];

function status(
  parts: Readonly<Record<string, PipelineStatus['parts'][number]['state']>>,
  health: PipelineStatus['store']['health'] = { state: 'ok' },
  link?: NonNullable<PipelineStatus['uplink']>['link'],
): Shown {
  return {
    parts: Object.entries(parts).map(([id, state]) => ({ id, state })),
    store: { health },
    uplink: link && { link },
  } as unknown as Shown;
}

test('the line counts what is well and names what is not', () => {
  assert.equal(statusLine(status({ climate: 'ok' })), '1 of 1 parts ok; store ok; no uplink');
  assert.equal(
    statusLine(
      status(
        { climate: 'ok', gps: 'missing', imu: 'failing', tag: 'starting' },
        { state: 'notWriting', since: 0n, reason: 'ENOSPC', waitingRows: 17 },
        { state: 'waiting', since: 0n, retryInMs: 4_000, reason: 'ECONNREFUSED' },
      ),
    ),
    '1 of 4 parts ok: gps missing, imu failing; store not writing (17 rows wait in memory): ENOSPC; uplink waiting: ECONNREFUSED',
  );
  assert.equal(
    statusLine(status({}, { state: 'ok' }, { state: 'online', since: 0n, protocol: 5 })),
    '0 of 0 parts ok; store ok; uplink online',
  );
});

test('a long reason of one thing leaves room for the next: the line is cut at 300 characters', () => {
  const line = statusLine(
    status(
      { climate: 'ok' },
      { state: 'notWriting', since: 0n, reason: 'No space left on device '.repeat(20), waitingRows: 3 },
      { state: 'waiting', since: 0n, retryInMs: 4_000, reason: 'ECONNREFUSED' },
    ),
  );
  assert.match(line, /: No space left on device .*…; uplink waiting: ECONNREFUSED$/);
  assert.ok(line.length < 300, `${line.length}`);
});

test('the last end is told in systemd’s words, a good one and an unknown one not at all', () => {
  // systemd.exec(5), the table of $SERVICE_RESULT, $EXIT_CODE and $EXIT_STATUS.
  const of = (text: string | undefined) =>
    lastEnd('/run/cairn', (path) => (path === '/run/cairn/last-end' ? text : assert.fail(path)));
  assert.equal(of('watchdog killed ABRT\n'), 'watchdog (killed ABRT)');
  assert.equal(of('exit-code exited 70\n'), 'exit-code (exited 70)');
  assert.equal(of('oom-kill killed KILL\n'), 'oom-kill (killed KILL)');
  for (const text of ['success exited 0\n', '', undefined, 'watchdog', `${'x'.repeat(5000)} a b\n`, '\n\n\n'])
    assert.equal(of(text), undefined, String(text));
  assert.equal(
    lastEnd(undefined, () => assert.fail('there is no folder to look in')),
    undefined,
  );
});
