import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const CONFIG = '/sys/kernel/config/gpio-sim';
const DEVICES = '/sys/devices/platform';

/** Makes a chip of the kernel's gpio-sim (Documentation/admin-guide/gpio/gpio-sim.rst) with these line names. */
export function makeSimChip(label: string, lines: readonly string[]): void {
  const chip = join(CONFIG, label);
  const bank = join(chip, 'bank');
  mkdirSync(bank, { recursive: true });
  writeFileSync(join(bank, 'num_lines'), String(lines.length));
  writeFileSync(join(bank, 'label'), label);
  for (const [offset, name] of lines.entries()) {
    mkdirSync(join(bank, `line${offset}`));
    writeFileSync(join(bank, `line${offset}`, 'name'), name);
  }
  writeFileSync(join(chip, 'live'), '1');
}

/** The side of a simulated line that is outside the machine. */
export class SimLine {
  /** The file that it is driven by: `pull-up` or `pull-down`. */
  readonly pullFile: string;
  readonly #folder: string;

  constructor(label: string, offset: number) {
    const device = readFileSync(join(CONFIG, label, 'dev_name'), 'utf8').trim();
    const folder = readdirSync(join(DEVICES, device))
      .map((name) => join(DEVICES, device, name, `sim_gpio${offset}`))
      .find((path) => existsSync(path));
    if (folder === undefined) throw new Error(`gpio-sim ${label} has no line ${offset}`);
    this.#folder = folder;
    this.pullFile = join(folder, 'pull');
  }

  /** Pulls the line from outside: what an input reads. */
  drive(level: 0 | 1): void {
    writeFileSync(this.pullFile, level === 1 ? 'pull-up' : 'pull-down');
  }

  /** A pull gives way to an output by itself. */
  release(): void {}

  /** What the line is at. */
  level(): 0 | 1 {
    return readFileSync(join(this.#folder, 'value'), 'utf8').trim() === '1' ? 1 : 0;
  }
}
