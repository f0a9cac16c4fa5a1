import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { GpioEdges } from '../../drivers/contract/index.js';
import { createWorld, openBoard } from '../../runtime/board/index.js';
import { SimClock } from '../support/sim-clock.js';
import { driver } from '../wiring/support.js';
import { nodeConfig, partConfig, testDeps } from './fixture.js';

const gps = partConfig('gps', driver('gnss'), { kind: 'serial', port: 'uart0', baud: 9600 });
const sos = partConfig('sos', driver('contact'), {
  ...{ kind: 'gpio', line: 'GPIO17', activeLow: false },
  ...{ bias: 'asIs', debounceUs: 0 },
});

test('a part that is released is opened anew on the twin that it had, with its faults', async () => {
  const deps = testDeps({ clock: new SimClock() });
  const board = await openBoard(nodeConfig([gps]), deps);
  const twin = deps.twins.get('gps');
  await board.release(gps);
  assert.deepEqual([board.parts.length, board.missing.length], [0, 0]);
  await board.reopen(gps);
  assert.equal(board.parts.length, 1);
  assert.equal(deps.twins.get('gps'), twin);
  await board.close();
});

test('a port that is opened after the board was closed is closed at once', async () => {
  const board = await openBoard(nodeConfig([gps]), testDeps({ clock: new SimClock() }));
  await board.close();
  await assert.rejects(
    board.wires.rawSerial('uart0', 9600, () => {}),
    { kind: 'invalid' },
  );
});

test('edges that a part hears are counted over its lives, and shown to who looks on', async () => {
  const clock = new SimClock();
  let isMade = false;
  const worldAt = createWorld(1, 0n);
  const world = (timeNs: bigint) => ({ ...worldAt(timeNs), contactActive: isMade });
  const board = await openBoard(nodeConfig([sos]), testDeps({ clock, world }));
  const seen: GpioEdges[] = [];
  const heard: GpioEdges[] = [];
  const press = async () => {
    isMade = !isMade;
    await clock.advance(50);
  };
  await clock.advance(50);
  const line = board.wires.lineOf('sos')!;
  assert.equal(line.isWatched, false);
  const stop = await line.watch((edges) => void heard.push(edges), assert.fail);
  let ends = 0;
  const unlook = line.look(
    (edges) => void seen.push(edges),
    () => ends++,
  );
  await press();
  unlook();
  await press();
  assert.deepEqual([heard.length, seen.length, line.count.edges], [2, 1, 2]);
  line.look(
    () => {},
    () => ends++,
  );
  await stop();
  assert.equal(ends, 1, 'who still looks is told that nobody hears the line any more');
  await board.release(sos);
  assert.equal(board.wires.lineOf('sos'), undefined);
  await board.reopen(sos);
  assert.equal(board.wires.lineOf('sos')!.count.edges, 2);
  await board.close();
});
