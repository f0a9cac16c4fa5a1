import assert from 'node:assert/strict';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { after, before, describe, type TestContext, test } from 'node:test';
import { WITHOUT_FAKE_WALL } from '../../clock/fake-wall.js';
import { WITHOUT_MOSQUITTO } from '../../support/broker.js';
import type { Bench, Fault } from './bench.js';
import { cabin } from './cabin.js';
import { hut } from './hut.js';
import { late, nameless, stranger } from './links.js';
import { cannotMakeMachine } from './machine.js';
import { keepScreen, WANTS_SCREENS } from './screens.js';
import { attic, cannotFail, card, loop } from './stores.js';
import { type Answer, Technician } from './technician.js';
import { WITHOUT_TMUX } from './tmux-line.js';
import { valley } from './valley.js';

/**
 * Faults put in below everything that `why` looks at (bus, line, socket, disk, clock, process, the kernel's files), and a technician at the
 * other end of a serial line of 9600 baud, with tmux for a terminal, who types `why`. CAIRN_SCREENS=1 keeps what they saw in docs/screens/.
 */
const skip = WITHOUT_TMUX || cannotMakeMachine || WITHOUT_FAKE_WALL;
const NOTHING = /^Nothing is wrong: \d+ parts, store and uplink are as they should be\.$/;
const SCREEN_BYTES = 1600;
const SCREEN_MS = 2000;
/** Where a process with nothing to do is late, what a command takes is the machine's: then it is told, not judged. */
const LATE_MS = 60;
/** From plug-in to the signed report. */
const SESSION_COMMANDS = 10;
/** What can't be put in yet, since it isn't built. */
const PENDING = {
  'neighbour quota full': 'there is no relay yet',
  'update rolled back': 'there are no updates of the software yet; of a configuration: config.reverted',
};
/** For the documentation. */
const KEPT = ['under-voltage', 'dead GPS antenna', 'certificate expired'];

describe('why, over 9600 baud', { skip, concurrency: 2 }, () => {
  /** A link that fails is a cause after 20 s: they begin at once, and are asked at the end. */
  const early = new Map<string, Bench>();
  before(async () => {
    for (const make of [stranger, late, nameless]) {
      if (make === stranger && WITHOUT_MOSQUITTO) continue;
      const bench = await make();
      await bench.start();
      early.set(make.name, bench);
    }
  });
  after(async () => {
    for (const bench of early.values()) await bench.remove();
  });

  for (const make of [hut, loop, cabin, valley, attic, card]) {
    const options = { skip: make === card && cannotFail, timeout: 300_000 };
    test(make.name, options, async (t) => {
      const bench = await make();
      t.after(() => bench.remove());
      await bench.start();
      await visit(t, bench);
    });
  }
  for (const make of [stranger, late, nameless]) {
    const options = { skip: make === stranger && WITHOUT_MOSQUITTO, timeout: 300_000 };
    test(make.name, options, (t) => visit(t, early.get(make.name)!));
  }
});

for (const [name, why] of Object.entries(PENDING)) test(name, { todo: why });

/** One session, in which the bench's faults come and go. */
async function visit(t: TestContext, bench: Bench): Promise<void> {
  const isHut = bench.name === 'hut';
  const technician = await Technician.logIn(bench, isHut && WANTS_SCREENS);
  try {
    t.diagnostic(`banner ${technician.bannerMs.toFixed(0)} ms after the start`);
    if (isHut) await wellNode(t, bench, technician);
    for (const fault of bench.faults) {
      await t.test(fault.name, (st) => named(st, bench, technician, fault));
      await fault.mend?.();
    }
  } finally {
    // Before the bench goes: its folder can't while the console writes there.
    await technician.leaves();
  }
}

async function named(t: TestContext, bench: Bench, technician: Technician, fault: Fault): Promise<void> {
  await fault.inject();
  const answer = await technician.asks('why');
  t.diagnostic(`${answer.bytes} bytes, ${answer.ms.toFixed(0)} ms`);
  assert.match(joined(answer), fault.cause, answer.text);
  assert.doesNotMatch(answer.text, /^2\. /m, `one fault, one cause:\n${answer.text}`);
  if (KEPT.includes(fault.name)) keepScreen(bench, `why-${slug(fault.name)}`, answer.screen);
}

/** Wrapped lines as one. */
function joined({ text }: Answer): string {
  return text
    .replace(/^looking further for .*\n/, '')
    .trim()
    .replace(/\s+/g, ' ');
}

function slug(name: string): string {
  return name.toLowerCase().replaceAll(' --', ' ').replaceAll(' ', '-');
}

async function wellNode(t: TestContext, bench: Bench, technician: Technician): Promise<void> {
  keepScreen(bench, 'banner', technician.banner);
  await t.test('a node that is well has no cause', async () => {
    assert.match(joined(await technician.asks('why')), NOTHING);
  });
  await t.test('status: at most 1,600 bytes, complete within 2 s', async (st) => {
    const late = monitorEventLoopDelay({ resolution: 5 });
    late.enable();
    const tries = [await technician.asks('status'), await technician.asks('status')];
    late.disable();
    const [{ bytes, screen }] = tries as [Answer];
    const ms = Math.min(...tries.map((one) => one.ms));
    const lateMs = late.percentile(99) / 1e6;
    st.diagnostic(`${bytes} bytes, ${ms.toFixed(0)} ms; this process ran ${lateMs.toFixed(0)} ms late`);
    assert.ok(bytes <= SCREEN_BYTES, `${bytes} bytes`);
    assert.ok(ms < SCREEN_MS || lateMs > LATE_MS, `${ms} ms`);
    keepScreen(bench, 'status', screen);
  });
  await t.test('a session by keyboard only: found, mended by hand, proven', (st) => session(st, bench));
  if (WANTS_SCREENS) await otherScreens(bench, technician);
}

/** Ten minutes at the box: each line typed is counted, the log-in's too. */
async function session(t: TestContext, bench: Bench): Promise<void> {
  const [unplugged, plugged] = ['sensor unplugged', 'wrong address'].map(
    (name) => bench.faults.find((fault) => fault.name === name)!,
  );
  await unplugged!.inject();
  const technician = await Technician.logIn(bench);
  t.after(() => technician.leaves());
  assert.match(joined(await technician.asks('why')), unplugged!.cause);
  await plugged!.mend!();
  const proofs: readonly (readonly [string, RegExp])[] = [
    ['read climate', /temperature +[\d.]+ Cel +good/],
    ['why', NOTHING],
    ['uplink', /online/],
    ['config show --brief', /node file/],
    ['status', /nothing is wrong/],
  ];
  for (const [command, proof] of proofs) assert.match((await technician.asks(command)).text, proof);
  const left = await technician.asks('report --note "plugged the sensor in again"');
  assert.match(left.text, /\nSigned by the node\.\n[\s\S]*Kept as events \d/);
  keepScreen(bench, 'report', left.screen);
  const typed = technician.commands + 1;
  t.diagnostic(`${typed} lines typed, the log-in's among them; ${left.bytes} bytes of report`);
  assert.ok(typed <= SESSION_COMMANDS);
}

async function otherScreens(bench: Bench, technician: Technician): Promise<void> {
  for (const command of ['uplink', 'config show --brief', 'help'])
    keepScreen(bench, slug(command), (await technician.asks(command)).screen);
  const watched = await technician.asks('watch climate --every 1', /(\nclimate \d[\s\S]*?){4}/);
  keepScreen(bench, 'watch', watched.screen);
}
