import { spawn } from 'node:child_process';
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import type { SerialTwin } from '../../drivers/contract/index.js';
import { createWorld } from '../../runtime/board/index.js';
import { linuxSystemFiles } from '../../runtime/board/linux-system.js';
import type { RuntimeClock } from '../../runtime/clock/types.js';
import { nodeConfig, partConfig, realClock, seeded } from '../board/fixture.js';
import { Pty } from '../board/pty.js';
import { driver, linesOf, twinDefinition } from '../wiring/support.js';
import { asHeardAt } from '../wiring/uart.js';

/** So much faster than real: listening at all rates takes 20 s. */
const FASTER = 4;
/** At each turn stty is asked for the rate, which takes its time where every instruction is translated. */
const POLL_MS = 200;
const clock: RuntimeClock = {
  nowNs: () => realClock.nowNs() * BigInt(FASTER),
  delay: (ms) => realClock.delay(ms / FASTER),
  after: (ms, callback) => realClock.after(ms / FASTER, callback),
};
const worldAt = createWorld(1, 1_750_000_000_000_000_000n);

export interface Port {
  readonly id: string;
  /** What the node file says is there. */
  readonly driver: string;
  readonly baud: number;
  /** What is there. */
  readonly wired?: { readonly twin: string; readonly baud: number };
}

/** What is said of parts on ptys. A pty has no wire: what a twin says is made what a receiver at the rate that the kernel holds would hear. */
export async function serialLines(t: TestContext, ports: readonly Port[]): Promise<readonly string[]> {
  const ptys = await Promise.all(ports.map(() => Pty.make()));
  const talk = new AbortController();
  const talking = ports.map(({ wired }, i) =>
    wired ? speak(talk.signal, ptys[i]!, wired.twin, wired.baud) : undefined,
  );
  t.after(async () => {
    talk.abort();
    await Promise.all(talking);
    await Promise.all(ptys.map((pty) => pty.close()));
  });
  const parts = ports.map(({ id, driver: known, baud }) =>
    partConfig(id, driver(known), { kind: 'serial', port: `uart-${id}`, baud }),
  );
  const serial = Object.fromEntries(
    ports.map(({ id }, i) => [`uart-${id}`, { device: ptys[i]!.link, pins: [8, 10] }]),
  );
  const lines = await linesOf(nodeConfig(parts, { kind: 'linux', serial }), {
    clock,
    files: linuxSystemFiles(),
  });
  return lines.map((line, i) =>
    line.replace(ptys[i]!.link, `/dev/${ports[i]!.id}`).replace(/\d+ bytes/, 'N bytes'),
  );
}

async function speak(signal: AbortSignal, pty: Pty, id: string, baud: number): Promise<void> {
  const twin = twinDefinition(id).create(seeded(1)) as SerialTwin;
  const tags = [{ id: 'E28011606000020123456789', rssiDbm: -57 }];
  while (!signal.aborted) {
    await realClock.delay(POLL_MS);
    const said = twin.speak({ ...worldAt(clock.nowNs()), tags });
    if (said.length > 0) await pty.say(asHeardAt(said, baud, await rateOf(pty.link)));
  }
}

/** The rate that the kernel was told for a line. */
async function rateOf(device: string): Promise<number> {
  const stty = spawn('stty', ['-F', device, 'speed'], { stdio: ['ignore', 'pipe', 'inherit'] });
  let text = '';
  stty.stdout.on('data', (chunk: Buffer) => {
    text += chunk.toString('latin1');
  });
  await once(stty, 'close');
  return Number(text);
}
