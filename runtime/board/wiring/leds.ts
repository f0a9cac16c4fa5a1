import { readFile, writeFile } from 'node:fs/promises';
import { HalError } from '../../../drivers/contract/index.js';
import type { RuntimeClock } from '../../clock/types.js';
import { toHalError } from '../errno.js';

const FOLDER = '/sys/class/leds';
/** 2 Hz, on and off alike: slower than any activity light, fast enough to be told from a heartbeat. */
const HALF_PERIOD_MS = 250;

/** Files of sysfs, whole. */
export interface LedFiles {
  read(path: string): Promise<string>;
  write(path: string, text: string): Promise<void>;
}

export const linuxLedFiles: LedFiles = {
  read: (path) => readFile(path, 'utf8'),
  write: (path, text) => writeFile(path, text),
};

/**
 * Blinks the first of these lights that is there until `signal`, and puts it back as it was: Documentation/leds/leds-class.rst (trigger, brightness,
 * max_brightness). Resolves with its name. HalError `absent` where none is there, `denied` where this user may not.
 */
export async function blink(
  names: readonly string[],
  signal: AbortSignal,
  clock: Pick<RuntimeClock, 'after'>,
  files: LedFiles = linuxLedFiles,
): Promise<string> {
  for (const name of names) {
    const triggers = await files.read(`${FOLDER}/${name}/trigger`).catch((error) => {
      const { kind } = toHalError(error, name);
      if (kind === 'absent') return undefined;
      throw toHalError(error, name);
    });
    if (triggers === undefined) continue;
    await new Light(name, files).blink(triggers, signal, clock);
    return name;
  }
  throw new HalError('absent', FOLDER, `none of the board's lights is there: ${names.join(', ')}`, {
    hint: 'see what is there with: ls /sys/class/leds, and name it under leds in the board file',
  });
}

class Light {
  constructor(
    private readonly name: string,
    private readonly files: LedFiles,
  ) {}

  async blink(triggers: string, signal: AbortSignal, clock: Pick<RuntimeClock, 'after'>): Promise<void> {
    const brightness = (await this.#read('brightness')).trim();
    const most = (await this.#read('max_brightness')).trim();
    // The one in brackets is the one that is set.
    const trigger = /\[(\S+)\]/.exec(triggers)?.[1] ?? 'none';
    try {
      await this.#write('trigger', 'none');
      for (let isOn = true; !signal.aborted; isOn = !isOn) {
        await this.#write('brightness', isOn ? most : '0');
        await pause(HALF_PERIOD_MS, signal, clock);
      }
    } finally {
      await this.#write('brightness', brightness);
      await this.#write('trigger', trigger);
    }
  }

  async #read(file: string): Promise<string> {
    return this.files.read(this.#path(file)).catch((error) => {
      throw this.#failure(error);
    });
  }

  async #write(file: string, text: string): Promise<void> {
    await this.files.write(this.#path(file), text).catch((error) => {
      throw this.#failure(error);
    });
  }

  #path(file: string): string {
    return `${FOLDER}/${this.name}/${file}`;
  }

  #failure(error: unknown): HalError {
    return toHalError(error, `${FOLDER}/${this.name}`, {
      EACCES: [
        'denied',
        'this user may not switch it',
        'join the group leds, or run it as root: sudo cairn identify',
      ],
    });
  }
}

function pause(ms: number, signal: AbortSignal, clock: Pick<RuntimeClock, 'after'>): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = clock.after(ms, end);
    if (signal.aborted) end();
    else signal.addEventListener('abort', end);
  });
}
