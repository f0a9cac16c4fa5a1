import { native } from '../../../native/index.js';
import { systemWallClock } from '../../clock/index.js';
import { ask, controlPath, toJson } from '../../control.js';
import type { PipelineStatus } from '../../pipeline.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';
import { spanText, wallMsOf } from '../text.js';

const UNCERTAINTY_S = 60;

export const time: Command = {
  name: 'time',
  topic: 'look',
  summary: 'what time the node takes it for, how sure it is, and what its kernel’s clock says',
  usage: '[--config FILE]',
  examples: ['cairn time', 'cairn time --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const status = (await ask(socketOf(call), 'status')) as PipelineStatus | undefined;
    const kernel = kernelClock();
    const bootNs = native.bootTimeNs();
    if (call.json) call.terminal.out(toJson({ bootNs, node: status?.time ?? null, kernel }));
    else {
      call.terminal.out(`node    ${status ? nodeText(status) : 'does not run'}`);
      call.terminal.out(`kernel  ${kernel.text}`);
      call.terminal.out(`boot    ${spanText(bootNs)} ago`);
    }
    return status?.time.wallNs === undefined ? EXIT.failed : EXIT.ok;
  },
};

export const timeSet: Command = {
  name: 'time set',
  topic: 'mend',
  summary:
    'tell the node what time it is by your watch; the kernel’s clock is left alone, a better source later wins',
  usage: '<YYYY-MM-DDTHH:MM:SSZ> [--within SECONDS] [--config FILE]',
  examples: ['cairn time set 2026-11-22T19:30:00Z', 'cairn time set 2026-11-22T20:30+01:00 --within 120'],
  options: { ...CONFIG_OPTION, within: { type: 'string' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const [text = ''] = call.positionals;
    const wallMs = wallMsOf(text);
    const params = { wallMs, uncertaintyMs: withinS(call) * 1000 };
    const answer = (await ask(socketOf(call), 'tellTime', { params })) as { isTaken: boolean } | undefined;
    if (!answer) throw new CommandError(EXIT.failed, 'no node runs that could be told');
    if (!answer.isTaken)
      throw new CommandError(
        EXIT.failed,
        'not taken: the node knows better, or no clock can be so early; see cairn time',
      );
    call.terminal.out(`taken: ${new Date(wallMs).toISOString()} within ${params.uncertaintyMs / 1000} s`);
    return EXIT.ok;
  },
};

function socketOf(call: Invocation): string {
  return controlPath(readRunning(call).store.path);
}

function withinS({ options }: Invocation): number {
  const seconds = Number(options.within ?? UNCERTAINTY_S);
  if (seconds >= 0.1 && seconds <= 86_400) return seconds;
  throw new CommandError(EXIT.usage, '--within: 0.1 to 86400 seconds');
}

function nodeText({ time: { wallNs, uncertaintyNs } }: PipelineStatus): string {
  if (wallNs === undefined) return 'not known yet: rows carry boot time, and are repaired once it is';
  const wall = new Date(Number(BigInt(wallNs) / 1_000_000n)).toISOString();
  return `${wall} +- ${(Number(uncertaintyNs) / 1e6).toFixed(1)} ms`;
}

/** What adjtimex(2) says; a clock that nobody disciplines is only a number. */
function kernelClock() {
  const wall = systemWallClock();
  const iso = new Date(Number(wall.pair().wallNs / 1_000_000n)).toISOString();
  try {
    const { synchronised } = wall.sync();
    return {
      wall: iso,
      synchronised,
      text: `${iso}, ${synchronised ? 'set by a time server' : 'set by nobody'}`,
    };
  } catch (error) {
    return {
      wall: iso,
      synchronised: null,
      text: `${iso}; whether it is set can’t be told: ${(error as Error).message}`,
    };
  }
}
