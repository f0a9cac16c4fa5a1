import { resolve } from 'node:path';
import { toJson } from '../../control.js';
import { type Bundle, type ConfigReport, diffLines, readBundle, shortOf } from '../../update/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { type ConfigView, namedFiles, pairsOf, viewConfig } from '../config-access.js';
import { configPath } from '../files.js';
import { sayLines } from '../say-lines.js';

/** Of a difference, at most: more is told by its count. */
const DIFF_MAX_LINES = 400;

export const configShow: Command = {
  name: 'config show',
  topic: 'mend',
  summary: 'which configuration runs, why, and what became of the last one; then its files',
  usage: '[--brief] [--config FILE]',
  examples: ['cairn config show --brief', 'cairn config show --json'],
  options: { ...CONFIG_OPTION, brief: { type: 'boolean' } },
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const view = await viewConfig(call);
    if (call.json) {
      call.terminal.out(toJson({ ...view.report, isLive: view.isLive }));
      return EXIT.ok;
    }
    const files = call.options.brief === true ? [] : fileLines(view.report.bundle);
    return (await sayLines(call, [...stateLines(view), ...files])) ? EXIT.ok : EXIT.failed;
  },
};

export const configDiff: Command = {
  name: 'config diff',
  topic: 'mend',
  summary: 'what differs between what runs and a file; without FILE: and the node file',
  usage: '[FILE] [--config FILE]',
  examples: ['cairn config diff', 'cairn config diff /media/usb/node.yaml'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const [file] = call.positionals;
    const path = file === undefined ? configPath(call) : resolve(file);
    const { bundle } = readBundle(path);
    if (bundle.files[path] === undefined) throw new CommandError(EXIT.usage, `${path}: can't be read`);
    const { report } = await viewConfig(call);
    const lines = bundleDiff(report.bundle, bundle);
    if (call.json) call.terminal.out(toJson({ from: report.sha256, to: bundle.sha256, lines }));
    else await sayLines(call, lines.length > 0 ? lines : [`${path}: no difference to what runs`]);
    return EXIT.ok;
  },
};

/** A line a fact. */
export function stateLines({ report, isLive, places }: ConfigView): readonly string[] {
  const { state, trial, lastOutcome, why, file, bundle } = report;
  const name = `configuration ${shortOf(report.sha256)}`;
  return [
    `${name}: ${stateText(report)}`,
    ...(why === undefined ? [] : [`why: ${why}`]),
    ...(trial && state !== 'trial' ? [`next: ${shortOf(trial.sha256)} on trial, by ${trial.by}`] : []),
    ...(trial
      ? [
          `trial: ${trial.minutes} min, by ${trial.by}; ${report.minutesLeft ?? '?'} min left; start ${trial.starts} of 3`,
        ]
      : []),
    `node file: ${file.path}${file.sha256 === bundle.sha256 ? ', the same' : `, which is ${shortOf(file.sha256)}; cairn config diff shows how it differs`}`,
    ...(lastOutcome ? [`last: ${lastOutcome.text}`] : []),
    ...(isLive ? [] : [`No process answers at ${places.socket}: this is what the next start would run.`]),
  ];
}

const STATES: Readonly<Record<ConfigReport['state'], string>> = {
  file: 'the node file',
  good: 'applied and confirmed; cairn config revert goes back',
  trial: 'ON TRIAL; cairn config confirm keeps it',
  safe: 'SAFE MODE, without its parts; apply another, or try again with: cairn config revert',
};

function stateText({ state }: ConfigReport): string {
  return STATES[state];
}

function fileLines(bundle: Bundle): readonly string[] {
  return [...namedFiles(bundle)].flatMap(([name, text]) => [
    `--- ${name}`,
    ...text.replace(/\n$/, '').split('\n'),
  ]);
}

export function bundleDiff(before: Bundle, after: Bundle): readonly string[] {
  const lines = pairsOf(before, after).flatMap((pair) => {
    const changes = diffLines(pair.before, pair.after);
    return changes.length > 0 ? [`--- ${pair.name}`, ...changes] : [];
  });
  if (lines.length <= DIFF_MAX_LINES) return lines;
  return [...lines.slice(0, DIFF_MAX_LINES), `… and ${lines.length - DIFF_MAX_LINES} lines more`];
}
