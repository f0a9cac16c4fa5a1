import type { CalibrationKind } from '../../calibration/index.js';
import type { Kept } from '../../calibrations.js';
import { toJson } from '../../control.js';
import { keptHere } from '../calibrations-here.js';
import { CONFIG_OPTION, type Command, EXIT } from '../command.js';
import { readRunning } from '../files.js';
import { sayLines } from '../say-lines.js';
import { wrapped } from '../text.js';

export const calibrations: Command = {
  name: 'calibrations',
  topic: 'look',
  summary: 'which parts are calibrated: who did it, when, how good it is; those before it, too',
  usage: '[part] [--config FILE]',
  examples: ['cairn calibrations', 'cairn calibrations compass --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const [part] = call.positionals;
    const found = (await keptHere(readRunning(call), call.terminal)).filter(
      (one) => part === undefined || one.part === part,
    );
    if (call.json)
      await sayLines(
        call,
        found.map((one) => toJson(one)),
      );
    else if (found.length === 0) call.terminal.out(`No calibration${part ? ` of ${part}` : ''}.`);
    else
      await sayLines(
        call,
        found.flatMap((one) => textOf(one, call.terminal.columns)),
      );
    return EXIT.ok;
  },
};

const KINDS: Readonly<Record<CalibrationKind, string>> = {
  twoPoint: 'by points',
  sixPositions: 'six positions',
  ellipsoid: 'figure of eight',
};

function textOf(one: Kept, columns: number): readonly string[] {
  const use = one.isInUse ? 'in use' : 'before';
  const head = `${one.part.padEnd(12)} ${one.mark.padEnd(12)} ${use.padEnd(7)} ${one.channels.join(' ')}`;
  const warmth = one.temperatureCelsius === undefined ? '' : `, at ${one.temperatureCelsius.toFixed(1)} Cel`;
  const quality = Object.entries(one.quality).map(
    ([name, value]) => `${name} ${Number(value.toPrecision(3))}`,
  );
  return [
    ...wrapped(head, columns, 4),
    ...wrapped(`    ${KINDS[one.kind]}, by ${one.by}, ${whenText(one)}${warmth}`, columns, 4),
    ...wrapped(`    ${quality.join('  ')}`, columns, 4),
  ];
}

function whenText({ wallNs, boot, bootNs }: Kept): string {
  if (wallNs !== undefined)
    return `${new Date(Number(BigInt(wallNs) / 1_000_000n)).toISOString().slice(0, 19)}Z`;
  return `boot ${boot}, ${Number(BigInt(bootNs) / 1_000_000_000n)} s after its start`;
}
