import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { completeDeps } from '../../runtime/board/deps.js';
import { openOnoffLine } from '../../runtime/board/linux-onoff.js';
import { testDeps } from './fixture.js';

/**
 * A process that opens and closes lines through the real package epoll, then ends amid a collection of its old objects: after as many
 * thousand arrays as its argument says. Run with --expose-gc.
 */
const { Epoll } = createRequire(import.meta.url)('epoll') as {
  Epoll: new (told: () => void) => { close(): void };
};

class Gpio {
  readonly #poller = new Epoll(() => undefined);
  unexport(): void {
    this.#poller.close();
  }
}

const root = await mkdtemp(join(tmpdir(), 'cairn-onoff-'));
const chip = join(root, 'gpiochip571');
await mkdir(chip);
for (const [name, text] of Object.entries({ label: 'pinctrl-rp1', ngpio: '54', base: '571' })) {
  await writeFile(join(chip, name), `${text}\n`);
}
const setup = completeDeps(testDeps({ loaders: { onoff: async () => ({ Gpio }) } }));
const options = { direction: 'in', bias: 'asIs', activeLow: false, debounceUs: 0 } as const;
for (let offset = 0; offset < 5; offset++) {
  const line = await openOnoffLine(
    { chipLabels: ['pinctrl-rp1'], lineNames: [], offset },
    'sos',
    options,
    setup,
    root,
  );
  await line.close();
}
await rm(root, { recursive: true });

for (let times = 0; times < 3; times++) globalThis.gc!();
const filled: unknown[] = [];
process.on('exit', () => {
  for (let at = 0; at < Number(process.argv[2]) * 1000; at++) filled.push(new Array(100).fill(at));
});
