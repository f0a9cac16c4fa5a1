import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { toJson } from '../../control.js';
import {
  BUNDLE_MAX_BYTES,
  type Bundle,
  type ConfigReport,
  checkHere,
  MINUTES_MAX,
  MINUTES_MIN,
  readBundle,
  sizeOf,
} from '../../update/index.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
} from '../command.js';
import { request, viewConfig } from '../config-access.js';
import { configPath } from '../files.js';
import { sayLines } from '../say-lines.js';
import { bundleDiff } from './config.js';

/** Of a line that is asked for (Terminal.ask): one as long as that may have lost its end. */
const LINE_MAX = 1024;
const DEFAULT_MINUTES = '10';

export const configApply: Command = {
  name: 'config apply',
  topic: 'mend',
  summary: 'run another configuration on trial: it goes back by itself unless a receipt or confirm keeps it',
  usage: '(FILE | -) [--minutes 10] [--config FILE]   (- : paste it, then a line with a single .)',
  examples: ['cairn config apply /media/usb/node.yaml', 'cairn config apply - --minutes 30'],
  options: { ...CONFIG_OPTION, minutes: { type: 'string', default: DEFAULT_MINUTES } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const minutes = minutesOf(call);
    const bundle = await bundleOf(call);
    const view = await viewConfig(call);
    if (!call.json) {
      const lines = bundleDiff(view.report.bundle, bundle);
      const isSaid = await sayLines(call, lines.length > 0 ? lines : ['No line differs from what runs.']);
      if (!isSaid) throw unchanged('interrupted');
    }
    await agree(call, `Run this for ${minutes} min on trial? Type yes: `);
    return done(call, await request(call, view.places, { kind: 'apply', bundle, minutes }));
  },
};

export const configConfirm: Command = {
  name: 'config confirm',
  topic: 'mend',
  summary: 'keep the configuration that is on trial',
  usage: '[--config FILE]',
  examples: ['cairn config confirm'],
  options: CONFIG_OPTION,
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { places, report } = await viewConfig(call);
    if (!report.trial)
      throw new CommandError(EXIT.failed, `no configuration is on trial; see: cairn config show --brief`);
    return done(call, await request(call, places, { kind: 'confirm', sha256: report.trial.sha256 }));
  },
};

export const configRevert: Command = {
  name: 'config revert',
  topic: 'mend',
  summary: 'end a trial, or go back to the configuration before; --base: to the node file; ends safe mode',
  usage: '[--base] [--config FILE]',
  examples: ['cairn config revert', 'cairn config revert --base'],
  options: { ...CONFIG_OPTION, base: { type: 'boolean' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { places } = await viewConfig(call);
    const to = call.options.base === true ? 'file' : 'before';
    return done(call, await request(call, places, { kind: 'revert', to }));
  },
};

function done(call: Invocation, report: ConfigReport | undefined): ExitCode {
  if (call.json) call.terminal.out(toJson({ taken: report?.taken ?? null }));
  else if (report?.taken) call.terminal.out(report.taken.text);
  return EXIT.ok;
}

function minutesOf({ options }: Invocation): number {
  const minutes = Number(options.minutes);
  if (Number.isInteger(minutes) && minutes >= MINUTES_MIN && minutes <= MINUTES_MAX) return minutes;
  throw new CommandError(
    EXIT.usage,
    `--minutes ${options.minutes}: a whole number from ${MINUTES_MIN} to ${MINUTES_MAX} is wanted`,
  );
}

/** What is to run, checked by the loader that the node uses; what is wrong is said with its place, and nothing is changed. */
async function bundleOf(call: Invocation): Promise<Bundle> {
  const [file] = call.positionals;
  if (file === undefined || call.positionals.length > 1)
    throw new CommandError(EXIT.usage, 'name one file, or - to paste the node file');
  const pasted = file === '-' ? await paste(call) : undefined;
  // What is pasted takes the node file's place: what it includes is named from there.
  const main = pasted === undefined ? resolve(file) : configPath(call);
  const { bundle, loaded } = readBundle(main, (path) =>
    path === main && pasted !== undefined ? pasted : readBounded(path),
  );
  const checked = checkHere(main, loaded, statForNode);
  if (!checked.ok) throw unchanged(checked.problems.join('\n'));
  for (const warning of checked.warnings) call.terminal.err(`warning: ${warning}`);
  const bytes = sizeOf(bundle);
  if (bytes > BUNDLE_MAX_BYTES)
    throw unchanged(`${main}: ${bytes} bytes with all that it includes; ${BUNDLE_MAX_BYTES} at most`);
  return bundle;
}

async function paste({ terminal, signal }: Invocation): Promise<string> {
  if (terminal.interactive)
    terminal.err('Paste the node file; end with a line that holds a single . (Ctrl-C: nothing is changed)');
  const lines: string[] = [];
  for (let bytes = 0; ; ) {
    const line = await terminal.ask('');
    if (signal.aborted) throw unchanged('interrupted');
    if (line === undefined || line === '.') break;
    lines.push(line);
    bytes += Buffer.byteLength(line) + 1;
    if (line.length >= LINE_MAX)
      throw unchanged(`line ${lines.length} has ${LINE_MAX} characters or more: copy the file instead`);
    if (bytes > BUNDLE_MAX_BYTES) throw unchanged(`more than ${BUNDLE_MAX_BYTES} bytes`);
  }
  return `${lines.join('\n')}\n`;
}

/** A configuration is small files: a device or a film is a mistake. */
function readBounded(path: string): string {
  const stat = statSync(path);
  if (!stat.isFile())
    throw Object.assign(new Error(`${path}: not a file`), { code: stat.isDirectory() ? 'EISDIR' : 'EINVAL' });
  if (stat.size > BUNDLE_MAX_BYTES) throw Object.assign(new Error(`${path}: too large`), { code: 'EFBIG' });
  return readFileSync(path, 'utf8');
}

/** Secrets are for the node's user alone: what this user may not look at, the node itself looks at. */
function statForNode(path: string): { readonly mode: number } | undefined {
  try {
    return statSync(path, { throwIfNoEntry: false });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EACCES') return { mode: 0o600 };
    throw error;
  }
}

async function agree({ terminal, signal, json }: Invocation, question: string): Promise<void> {
  if (!terminal.interactive || json) return;
  const answer = await terminal.ask(question);
  if (answer?.trim() !== 'yes' || signal.aborted) throw unchanged('not agreed to');
}

function unchanged(why: string): CommandError {
  return new CommandError(EXIT.usage, `${why}\nNothing was changed.`);
}
