import { HalError } from '../../../drivers/contract/index.js';
import { blink } from '../../board/index.js';
import { systemClock } from '../../clock/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';

const DEFAULT_S = 10;
const MAX_S = 600;

export const identify: Command = {
  name: 'identify',
  topic: 'wiring',
  summary: 'blink the board’s light, so that it is found among others; the light is put back afterwards',
  usage: '[--seconds 10] [--config FILE]',
  examples: ['cairn identify', 'cairn identify --seconds 60'],
  options: { ...CONFIG_OPTION, seconds: { type: 'string' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { terminal, signal } = call;
    const seconds = secondsOf(call);
    const { board } = readRunning(call);
    if (board.kind === 'twin') {
      terminal.out(`${board.title} has no light; a real board would blink for ${seconds} s`);
      return EXIT.ok;
    }
    if (!board.leds)
      throw new CommandError(
        EXIT.failed,
        `the board file ${board.name} names no light: see ls /sys/class/leds, and write leds: [NAME]`,
      );
    const clock = systemClock();
    const over = new AbortController();
    const timer = clock.after(seconds * 1000, () => over.abort());
    if (terminal.interactive) terminal.err(`blinking for ${seconds} s; Ctrl-C ends it …`);
    try {
      const name = await blink(board.leds, AbortSignal.any([signal, over.signal]), clock);
      terminal.out(`${name} blinked, and is as it was`);
      return EXIT.ok;
    } catch (error) {
      if (error instanceof HalError) throw new CommandError(EXIT.failed, error.message);
      throw error;
    } finally {
      timer.cancel();
    }
  },
};

function secondsOf({ options }: Invocation): number {
  const seconds = Number(options.seconds ?? DEFAULT_S);
  if (seconds >= 1 && seconds <= MAX_S) return seconds;
  throw new CommandError(EXIT.usage, `--seconds: 1 to ${MAX_S}`);
}
