import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openService } from '../../runtime/health/index.js';
import { SimClock } from '../support/sim-clock.js';

const SOCKET = '/run/systemd/notify';
const PID = 4711;

/** A service manager that writes down what it is told, and when. */
function manager(environment: Record<string, string | undefined> = {}) {
  const clock = new SimClock();
  const startNs = clock.nowNs();
  const told: { readonly ms: number; readonly words: readonly string[] }[] = [];
  const log: string[] = [];
  const health = { isStuck: false, line: 'all is well' };
  let refusal: Error | undefined;
  const service = openService({
    environment: { NOTIFY_SOCKET: SOCKET, ...environment },
    pid: PID,
    clock,
    send: (address, state) => {
      assert.equal(address, SOCKET);
      if (refusal) throw refusal;
      told.push({ ms: Number(clock.nowNs() - startNs) / 1e6, words: state.split('\n') });
    },
    log: (level, text) => log.push(`${level}: ${text}`),
  });
  const refuse = (error: Error | undefined) => {
    refusal = error;
  };
  const watched = { isStuck: () => health.isStuck, statusLine: () => health.line };
  const times = (word: string) => told.filter(({ words }) => words.includes(word)).map(({ ms }) => ms);
  return { clock, service, told, log, health, watched, refuse, times };
}

/** With systemd's own variables, for a watchdog of so many ms. */
function watchdog(ms: number) {
  return { WATCHDOG_USEC: String(ms * 1000), WATCHDOG_PID: String(PID) };
}

/** The longest time without `word` until `endMs`, ms: what systemd's timer would see. */
function longestPause(times: readonly number[], fromMs: number, endMs: number): number {
  const all = [fromMs, ...times, endMs];
  return Math.max(...all.slice(1).map((ms, i) => ms - all[i]!));
}

test('a node that nobody started as a service tells nothing and keeps no timer', () => {
  for (const address of [undefined, '']) {
    const { service, clock } = manager({ NOTIFY_SOCKET: address, ...watchdog(10_000) });
    assert.equal(service, undefined);
    assert.equal(clock.timers, 0);
  }
});

test('READY=1 is said once, when the node samples; until then more time is asked for as long as it takes', async () => {
  const { clock, service, watched, times } = manager(watchdog(10_000));
  await clock.advance(7_200_000);
  assert.deepEqual([times('READY=1'), times('WATCHDOG=1')], [[], []]);
  // Each asks for 30 s, and the next comes long before they are over (systemd's rule for EXTEND_TIMEOUT_USEC).
  const pause = longestPause(times('EXTEND_TIMEOUT_USEC=30000000'), 0, 7_200_000);
  assert.ok(pause <= 15_000, `${pause} ms without a word`);
  service!.running(watched);
  assert.equal(times('READY=1').length, 1);
  await clock.advance(60_000);
  assert.equal(times('READY=1').length, 1);
  assert.ok(times('EXTEND_TIMEOUT_USEC=30000000').every((ms) => ms <= 7_200_000));
});

test('the watchdog is fed at half of its period or sooner, whatever the period', async () => {
  for (const ms of [100, 1_000, 2_000, 10_000, 30_000, 3_600_000]) {
    const { clock, service, watched, times, log } = manager(watchdog(ms));
    service!.running(watched);
    await clock.advance(Math.min(20 * ms, 600_000));
    const pause = longestPause(times('WATCHDOG=1'), 0, Math.min(20 * ms, 600_000));
    assert.ok(pause <= ms / 2, `${pause} of ${ms} ms`);
    assert.ok(times('WATCHDOG=1').length < 21 * 8, `${times('WATCHDOG=1').length} times in 20 periods`);
    assert.deepEqual(log, []);
  }
});

test('a watchdog too short for a program of timers is fed as often as can be, and said to be too short', async () => {
  const { clock, service, watched, times, log } = manager(watchdog(1));
  service!.running(watched);
  await clock.advance(1_000);
  assert.ok(times('WATCHDOG=1').length >= 20 && times('WATCHDOG=1').length < 100);
  assert.match(log.join(), /^error: a watchdog of 1 ms can't be kept/);
});

test('no watchdog asked for, or for another process, or of no time at all: none is fed, the rest is told', async () => {
  const wanted: readonly Record<string, string | undefined>[] = [
    {},
    { ...watchdog(10_000), WATCHDOG_PID: '1' },
    { ...watchdog(10_000), WATCHDOG_PID: '' },
    { WATCHDOG_USEC: '0' },
    { WATCHDOG_USEC: '18446744073709551615' }, // USEC_INFINITY (sd_watchdog_enabled(3))
    { WATCHDOG_USEC: '-5' },
    { WATCHDOG_USEC: '10s' },
    { WATCHDOG_USEC: '' },
  ];
  for (const environment of wanted) {
    const { clock, service, watched, times, health, told } = manager(environment);
    service!.running(watched);
    await clock.advance(60_000);
    health.line = 'not so well';
    await clock.advance(6_000);
    assert.equal(times('READY=1').length, 1);
    assert.deepEqual(times('WATCHDOG=1'), [], JSON.stringify(environment));
    assert.deepEqual(told.at(-1)!.words, ['STATUS=not so well']);
  }
  const { clock, service, watched, times } = manager({ WATCHDOG_USEC: '1000000' });
  service!.running(watched);
  await clock.advance(5_000);
  assert.ok(times('WATCHDOG=1').length >= 10, 'WATCHDOG_PID may be absent: then it is for whoever reads it');
});

test('ticks that stop end the feeding, which is said; ticks that get on again begin it anew', async () => {
  const { clock, service, watched, times, health, told, log } = manager(watchdog(10_000));
  service!.running(watched);
  await clock.advance(60_000);
  health.isStuck = true;
  const stoppedMs = 60_000;
  await clock.advance(30_000);
  assert.ok(times('WATCHDOG=1').every((ms) => ms <= stoppedMs));
  assert.ok(told.some(({ words }) => words.some((word) => /^STATUS=.*ticks have stopped/.test(word))));
  assert.equal(log.length, 1);
  assert.match(log[0]!, /^error: .*ticks have stopped/);
  health.isStuck = false;
  await clock.advance(3_000);
  assert.ok(times('WATCHDOG=1').some((ms) => ms > 90_000));
  assert.deepEqual(told.at(-1)!.words, ['WATCHDOG=1', 'STATUS=all is well']);
});

test('a loop that does not turn feeds nothing', () => {
  const { clock, service, watched, times } = manager(watchdog(10_000));
  service!.running(watched);
  clock.skip(60_000);
  assert.deepEqual(times('WATCHDOG=1'), [0]);
});

test('a service manager that does not read loses no READY=1, and is complained of once', async () => {
  const { clock, service, watched, times, refuse, log, told } = manager(watchdog(10_000));
  refuse(Object.assign(new Error('EAGAIN: resource temporarily unavailable, sendto'), { code: 'EAGAIN' }));
  service!.running(watched);
  await clock.advance(60_000);
  assert.deepEqual([told.length > 0 && times('READY=1').length, log.length], [0, 1]);
  refuse(undefined);
  await clock.advance(3_000);
  assert.equal(times('READY=1').length, 1);
  assert.deepEqual(told.at(-1)!.words, ['READY=1', 'WATCHDOG=1', 'STATUS=all is well']);
  assert.match(log.join('\n'), /^warn: .*EAGAIN.*\ninfo: the service manager can be told again$/);
});

test('a stop says so, feeds nothing more, and leaves no timer behind', async () => {
  const { clock, service, watched, told, times } = manager(watchdog(10_000));
  service!.running(watched);
  await clock.advance(10_000);
  service!.stopping('SIGTERM');
  assert.deepEqual(told.at(-1)!.words, ['STOPPING=1', 'STATUS=stopping: SIGTERM']);
  assert.equal(clock.timers, 0);
  await clock.advance(60_000);
  assert.ok(times('WATCHDOG=1').every((ms) => ms <= 10_000));
  assert.deepEqual(told.at(-1)!.words, ['STOPPING=1', 'STATUS=stopping: SIGTERM']);
});

test('a status is one line of bounded length that can hold no word of the protocol, and is told when it changes', async () => {
  const { clock, service, watched, told, health } = manager(watchdog(10_000));
  health.line = `a disk said\nWATCHDOG=trigger\r\n\0${'ß€'.repeat(500)}`;
  service!.running(watched);
  const words = told.at(-1)!.words;
  assert.deepEqual(words.slice(0, 2), ['READY=1', 'WATCHDOG=1']);
  assert.equal(words.length, 3);
  assert.match(words[2]!, /^STATUS=a disk said WATCHDOG=trigger ß€/);
  assert.ok(Buffer.byteLength(words.join('\n')) < 1024, 'what native.notify takes');
  await clock.advance(5_000);
  assert.deepEqual(told.at(-1)!.words, ['WATCHDOG=1']);
});

test('a status that throws costs the node nothing', async () => {
  const { clock, service, told } = manager(watchdog(10_000));
  const statusLine = () => {
    throw new Error('no such stream');
  };
  service!.running({ isStuck: () => false, statusLine });
  await clock.advance(10_000);
  assert.ok(told.filter(({ words }) => words.includes('WATCHDOG=1')).length >= 4);
  assert.ok(told[1]!.words.some((word) => /^STATUS=.*no such stream/.test(word)));
});

test('where another node follows in the same process the watchdog is fed meanwhile, and READY=1 is not said again', async () => {
  const { clock, service, watched, times, told } = manager(watchdog(10_000));
  service!.running(watched);
  await clock.advance(20_000);
  const before = told.length;
  service!.again('a trial is over');
  assert.match(
    told
      .slice(before)
      .flatMap(({ words }) => words)
      .join(' '),
    /STATUS=starting again: a trial is over/,
  );
  await clock.advance(60_000);
  assert.ok(longestPause(times('WATCHDOG=1'), 0, 80_000) <= 5_000);
  service!.running(watched);
  await clock.advance(20_000);
  assert.ok(longestPause(times('WATCHDOG=1'), 0, 100_000) <= 5_000);
  assert.deepEqual([times('READY=1').length, times('STOPPING=1').length], [1, 0]);
});
