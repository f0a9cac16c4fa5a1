import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { NodeConfig } from '../config/index.js';
import { textFiles } from '../text-files.js';
import {
  type Bundle,
  type Checked,
  checkHere,
  loadBundle,
  nextFromFiles,
  placesOf,
  readBundle,
  State,
} from '../update/index.js';
import { CommandError, EXIT, type Invocation, type Terminal } from './command.js';

const DEFAULT_CONFIG = '/etc/cairn/node.yaml';

/** `--config FILE`, else CAIRN_CONFIG, else /etc/cairn/node.yaml. */
export function configPath(call: Invocation): string {
  const given = call.options.config;
  return resolve(typeof given === 'string' ? given : (process.env.CAIRN_CONFIG ?? DEFAULT_CONFIG));
}

/** The checked configuration of a file; every problem is said with its place, and then the command ends. */
export function readConfig(path: string, terminal: Pick<Terminal, 'err'>): NodeConfig {
  if (!existsSync(path)) throw new CommandError(EXIT.usage, noSuchFile(path));
  return rightOf(checkHere(path, readBundle(path).loaded), terminal);
}

/** What the node runs: a configuration that was applied (docs/operations.md), else the node file. */
export function readRunning(call: Invocation): NodeConfig {
  const warn = (text: string) => call.terminal.err(`warning: ${text}`);
  return rightOf(checkRunning(configPath(call), warn), call.terminal);
}

/** The same, for whoever wants to know what is wrong with it. Never throws for what the files say. */
export function checkRunning(path: string, warn: (text: string) => void): Checked {
  const { bundle, loaded } = readBundle(path);
  const next = nextFromFiles(stateOf(bundle, warn), bundle);
  if (next.bundle !== bundle) return checkHere(next.bundle.main, loadBundle(next.bundle));
  return existsSync(path) ? checkHere(path, loaded) : { ok: false, problems: [noSuchFile(path)] };
}

/** Starts in a row of what runs that have not settled, the present one included. */
export function startsOf(path: string): number {
  const { bundle } = readBundle(path);
  return stateOf(bundle, () => undefined).get('starts')?.crashes ?? 0;
}

function stateOf(bundle: Bundle, warn: (text: string) => void): State {
  return new State(textFiles(placesOf(bundle).state), warn);
}

export function noSuchFile(path: string): string {
  return `${path}: no such node file; name one with --config FILE`;
}

function rightOf(checked: Checked, terminal: Pick<Terminal, 'err'>): NodeConfig {
  if (!checked.ok) throw new CommandError(EXIT.usage, checked.problems.join('\n'));
  for (const warning of checked.warnings) terminal.err(`warning: ${warning}`);
  return checked.config;
}
