import type { Draft } from '../../calibrations.js';
import { ask, toJson } from '../../control.js';
import type { Calibrated } from '../../requests/index.js';
import { askPerson, GUIDES, noNode, partOf, targetOf, unchanged } from '../calibrate/index.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
} from '../command.js';
import { wrapped } from '../text.js';

export const calibrate: Command = {
  name: 'calibrate',
  topic: 'mend',
  summary:
    'guide through a calibration: two points, six positions, or a figure of eight; --undo takes one back',
  usage: '<part> [channel] [--points 2] [--undo] [--config FILE]',
  examples: [
    'cairn calibrate climate temperature',
    'cairn calibrate imu',
    'cairn calibrate compass',
    'cairn calibrate compass --undo',
  ],
  options: { ...CONFIG_OPTION, points: { type: 'string' }, undo: { type: 'boolean' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    if (call.options.undo === true) return undo(call);
    const { kind, path, part, stream, channels, ...rest } = await targetOf(call);
    const solution = await GUIDES[kind](call, { path, part, stream, channels, ...rest });
    await agree(call, `Correct ${part.id} by this from now on? Type yes: `);
    const by = call.caller.name;
    const draft: Draft = {
      ...{ part: part.id, stream: stream.name, channels: [...channels], kind, by },
      offset: [...solution.offset],
      matrix: [...solution.matrix],
      quality: { ...solution.quality },
    };
    return done(call, await ask(path, 'calibrate', { params: draft }));
  },
};

async function undo(call: Invocation): Promise<ExitCode> {
  const { path, part } = partOf(call);
  const [, channel] = call.positionals;
  await agree(call, `Take the last calibration of ${channel ?? part.id} back? Type yes: `);
  const params = { part: part.id, channel, by: call.caller.name };
  return done(call, await ask(path, 'uncalibrate', { params }));
}

async function agree(call: Invocation, question: string): Promise<void> {
  if ((await askPerson(call, question)) !== 'yes') throw unchanged('not agreed to');
}

function done(call: Invocation, answer: unknown): ExitCode {
  if (!answer) throw noNode();
  const { what, part, calibration, inUse, trouble } = answer as Calibrated;
  if (call.json) call.terminal.out(toJson(answer));
  else {
    const rest = inUse.length === 0 ? 'readings are raw again' : `in use: ${marks(inUse)}`;
    const text = what === 'made' ? 'stored' : 'taken back';
    for (const line of wrapped(
      `${part}: calibration ${calibration.mark} ${text}; ${rest}`,
      call.terminal.columns,
      2,
    ))
      call.terminal.out(line);
  }
  if (trouble === undefined) return EXIT.ok;
  throw new CommandError(EXIT.failed, `It is on the disk, but: ${trouble}`);
}

function marks(inUse: Calibrated['inUse']): string {
  return inUse.map(({ mark }) => mark).join(', ');
}
