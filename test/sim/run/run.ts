import { guarded } from '../kernel/guard.js';
import { NODE_ID } from '../machine/node.js';
import { judge } from '../oracle/final.js';
import type { Violation } from '../oracle/oracle.js';
import type { Scenario } from '../scenario.js';
import { scheduleFaults } from './faults.js';
import type { Recording } from './recording.js';
import { World } from './world.js';

/** What one run came to. */
export interface RunResult {
  readonly hash: string;
  readonly violation: Violation | undefined;
  readonly hours: number;
  readonly readings: number;
  readonly crashes: number;
  readonly events: number;
  readonly marks: ReadonlyMap<string, number>;
  /** The last lines of the trace, where they were asked for. */
  readonly last: readonly string[];
}

export interface RunOptions {
  /** Lines of the trace to keep. */
  readonly keep?: number;
  readonly print?: (line: string) => void;
  /** The node's flight recorder runs, into this. */
  readonly recording?: Recording;
}

/** How often the calm is looked at, and how long it may take beside what back-off and bandwidth cost. */
const LOOK_S = 30;
const CALM_S = 5 * 3600;
const MOST_EXTRA_HOURS = 12;

/** One scenario, from its beginning to the end of its calm. */
export function runScenario(scenario: Scenario, options: RunOptions = {}): Promise<RunResult> {
  return guarded(async () => {
    const world = new World(scenario, options);
    await play(world);
    if (!world.oracle.violation) judge(world.oracle, world.fleet.receiver, circumstances(world));
    const { kernel, trace, oracle, crashes, marks } = world;
    trace.note('end', oracle.readings);
    return {
      hash: trace.digest(),
      violation: oracle.violation,
      hours: kernel.nowNs / 3600e9,
      readings: oracle.readings,
      crashes,
      events: kernel.events,
      marks: marks.counts,
      last: trace.last,
    };
  });
}

function circumstances(world: World): Parameters<typeof judge>[2] {
  const { sizeBytes } = world.scenario.store;
  return {
    scenario: world.scenario,
    node: NODE_ID,
    wasFull: world.disk.peakBytes > 0.3 * sizeBytes,
    deadLetters: world.running?.store.deadLetters?.() ?? [],
  };
}

async function play(world: World): Promise<void> {
  const { kernel, oracle, scenario } = world;
  let over = false;
  world.start(true);
  scheduleFaults(world);
  world.watch.steady.start();
  for (const [i, { perDay }] of scenario.streams.entries()) if (perDay) speakNext(world, i, perDay);
  kernel.at(scenario.hours * 3600e9, () =>
    enough(world, () =>
      calm(world, () => {
        over = true;
      }),
    ),
  );
  try {
    await kernel.run(() => over || oracle.violation !== undefined);
  } catch (error) {
    oracle.fail('crash', (error as Error).stack ?? String(error));
  }
  if (!over) oracle.fail('crash', 'nothing is left to do: the node stands still');
}

/** Parts that speak by themselves do so by chance, `perDay` times a day. */
function speakNext(world: World, index: number, perDay: number): void {
  const waitNs = -Math.log(1 - world.partRandom.float()) * (86_400e9 / perDay);
  world.kernel.after(waitNs, () => {
    world.speak(index);
    speakNext(world, index, perDay);
  });
}

/** The parts have given as many readings as the scenario asks for, and the node has come to all its ends; or never will. */
function enough(world: World, then: () => void): void {
  const { kernel, oracle, scenario } = world;
  const isLate = kernel.nowNs > (scenario.hours + MOST_EXTRA_HOURS) * 3600e9;
  const ends = scenario.faults.filter(({ kind }) => kind === 'crash').length;
  if (isLate || (oracle.readings >= (scenario.readings ?? 0) && world.crashes >= ends)) then();
  else kernel.after(LOOK_S * 1e9, () => enough(world, then));
}

function toFreeWay({ network, broker }: World): void {
  network.way = 'free';
  broker.link?.down({ kind: 'reset', text: 'another way out' });
}

/** Faults are over: all that waits must come through, and something new. */
function calm(world: World, done: () => void): void {
  const { kernel, oracle, scenario } = world;
  world.trace.note('calm');
  if (scenario.uplink.budget) toFreeWay(world);
  const { sizeBytes } = scenario.store;
  const { backoffMaxMs, bytesPerS } = scenario.uplink;
  const untilNs = kernel.nowNs + (CALM_S + (4 * backoffMaxMs) / 1000 + sizeBytes / bytesPerS) * 1e9;
  const nexts = oracle.nexts;
  const look = (): void => {
    if (world.running?.isOpen() && oracle.isDrained && world.fleet.backlog === 0 && oracle.hasFresh(nexts))
      done();
    else if (kernel.nowNs > untilNs)
      oracle.fail(
        'drain',
        `not all has come after ${(kernel.nowNs / 3600e9).toFixed(1)} h: ${oracle.unresolved}`,
      );
    else kernel.after(LOOK_S * 1e9, look);
  };
  kernel.after(LOOK_S * 1e9, look);
}
