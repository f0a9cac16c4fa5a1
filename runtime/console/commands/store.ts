import { ask, controlPath, toJson } from '../../control.js';
import type { PipelineStatus } from '../../pipeline.js';
import { type StoreDeps, StoreError, storeDefaults, type Verdict, verifyStore } from '../../store/index.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type Invocation,
  type Terminal,
} from '../command.js';
import { readRunning } from '../files.js';
import { storeLines } from '../status-lines.js';

export const storeStatus: Command = {
  name: 'store status',
  topic: 'store',
  summary: 'what the running node’s store holds, per class and stream',
  usage: '[--config FILE]',
  examples: ['cairn store status', 'cairn store status --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const config = readRunning(call);
    const answer = (await ask(controlPath(config.store.path), 'status')) as PipelineStatus | undefined;
    if (!answer) {
      throw new CommandError(
        EXIT.failed,
        `no node runs with this store; look at the files with: cairn store verify`,
      );
    }
    if (call.json) call.terminal.out(toJson(answer.store));
    else for (const line of storeLines(answer.store)) call.terminal.out(line);
    return EXIT.ok;
  },
};

export const storeVerify: Command = {
  name: 'store verify',
  topic: 'store',
  summary: 'walk a store that no node has open: checksums, density, every hole with its range',
  usage: '[--config FILE] [--path STORE]',
  examples: ['cairn store verify', 'cairn store verify --path /mnt/card/var/lib/cairn/store --json'],
  options: { ...CONFIG_OPTION, path: { type: 'string' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const path = storePath(call);
    if (call.terminal.interactive) call.terminal.err(`reading all of ${path} …`);
    const verdict = await onStore(() => verifyStore(path, quietDeps(call.terminal)));
    if (call.json) call.terminal.out(toJson(verdict));
    else for (const line of verdictLines(verdict)) call.terminal.out(line);
    return verdict.ok ? EXIT.ok : EXIT.failed;
  },
};

/** `--path STORE`, else the node file's. */
export function storePath(call: Invocation): string {
  const { path } = call.options;
  return typeof path === 'string' ? path : readRunning(call).store.path;
}

export function quietDeps(terminal: Terminal): StoreDeps {
  return storeDefaults((level, text) => {
    if (level !== 'info') terminal.err(text);
  });
}

/** The store's own errors are answers: held by a running node, not a store, a disk that fails. */
export async function onStore<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof StoreError)) throw error;
    throw new CommandError(error.kind === 'locked' ? EXIT.busy : EXIT.failed, error.message);
  }
}

function verdictLines(verdict: Verdict): readonly string[] {
  const rows = (ranges: readonly (readonly [number, number])[]) =>
    ranges.reduce((sum, [from, to]) => sum + to - from, 0);
  return [
    `node ${verdict.node}  epoch ${verdict.epoch}  boot ${verdict.boot}  last stop ${verdict.cleanStop ? 'clean' : 'unclean'}`,
    ...verdict.streams.map(
      ({ stream, next, stored, settled, missing }) =>
        `${stream.padEnd(16)} ${String(next).padStart(9)} produced  ${rows(stored)} stored  ${rows(settled)} received or in a gap  ${rows(missing)} missing`,
    ),
    ...Object.entries(verdict.gapRows).map(([cause, count]) => `gap ${cause}: ${count} rows not yet sent on`),
    ...verdict.problems.map((problem) => `PROBLEM ${problem}`),
    verdict.ok
      ? 'whole: every number is stored, received, or in a gap'
      : `${verdict.problems.length} problems`,
  ];
}
