import { native } from '../../native/index.js';
import type { NativeGpioLine } from '../../native/types.js';
import { findLine } from '../../runtime/board/linux-gpio.js';
import type { GpioLineConfig } from '../../runtime/config/types.js';

/** The outside end of a line that a wire joins to another line of the same machine: that line, by the character device. */
export class JumperEnd {
  #output: NativeGpioLine | undefined;

  constructor(private readonly far: GpioLineConfig) {}

  drive(level: 0 | 1): void {
    this.#output ??= this.#open('out');
    this.#output.write(level);
  }

  release(): void {
    this.#output?.close();
    this.#output = undefined;
  }

  level(): 0 | 1 {
    this.release();
    const input = this.#open('in');
    try {
      return input.read();
    } finally {
      input.close();
    }
  }

  #open(direction: 'in' | 'out'): NativeGpioLine {
    const { chip, line } = findLine(this.far, 'jumper', native);
    const request = {
      activeLow: false,
      bias: 'asIs',
      debounceUs: 0,
      edges: false,
      consumer: 'cairn-rig',
    } as const;
    return native.gpioOpen(chip.path, { ...request, direction, offset: line.offset });
  }
}
