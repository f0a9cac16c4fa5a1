import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { ask, controlPath } from '../../runtime/control.js';
import { ensureIdentity } from '../../runtime/identity.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { until } from '../support/until.js';

/** Compiled, beside the compiled runtime: the same files that `bin/cairn` starts. */
export const MAIN = fileURLToPath(new URL('../../runtime/main.js', import.meta.url));

/** A node as its user runs it: a process of its own, its files below a temporary folder. */
export class TestNode {
  readonly folder = mkdtempSync(join(tmpdir(), 'cairn-node-'));
  readonly logFile = join(this.folder, 'node.log');
  #child: ChildProcess | undefined;

  /** `yaml`: a node file without its identity; STORE stands for the store's path. `within`: what starts its process, such as nsenter. */
  constructor(
    yaml: string,
    readonly storePath = join(this.folder, 'store'),
    private readonly within: readonly string[] = [],
  ) {
    ensureIdentity(join(this.folder, 'identity'));
    const text = yaml.replaceAll('STORE', this.storePath).replaceAll('FOLDER', this.folder);
    writeFileSync(this.configFile, `identity: ${join(this.folder, 'identity')}\n${text}`);
  }

  get configFile(): string {
    return join(this.folder, 'node.yaml');
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  get log(): string {
    return readFileSync(this.logFile, 'utf8');
  }

  get running(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** `command`: what runs instead of `main.js run --config FILE`. */
  start(
    command: readonly string[] = [MAIN, 'run', '--config', this.configFile],
    environment: Readonly<Record<string, string>> = {},
  ): void {
    if (this.running) throw new Error('the node runs already');
    const log = openSync(this.logFile, 'a');
    const env = { ...process.env, UV_THREADPOOL_SIZE: '8', ...environment };
    const [program, ...words] = [...this.within, process.execPath, ...command];
    this.#child = spawn(program!, words, {
      stdio: ['ignore', log, log],
      env,
    });
    closeSync(log);
  }

  async status(): Promise<PipelineStatus | undefined> {
    return (await ask(controlPath(this.storePath), 'status')) as PipelineStatus | undefined;
  }

  /** Polls the status until it holds. */
  async until(
    what: string,
    holds: (status: PipelineStatus) => boolean,
    withinMs = 60_000,
  ): Promise<PipelineStatus> {
    const end = Date.now() + withinMs;
    for (;;) {
      const status = await this.status();
      if (status && holds(status)) return status;
      if (!this.running)
        throw new Error(`the node ended while waited for: ${what}\n${this.log.slice(-3000)}`);
      if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what}\n${this.log.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  /** Ends by itself. */
  async ended(withinMs = 20_000): Promise<void> {
    await until('the end of the node', () => !this.running, withinMs);
  }

  async stop(signal: NodeJS.Signals = 'SIGTERM'): Promise<number | null> {
    const child = this.#child;
    if (!child || !this.running) return null;
    const gone = once(child, 'exit');
    child.kill(signal);
    const [code] = (await gone) as [number | null];
    return code;
  }

  async remove(): Promise<void> {
    await this.stop('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export interface CountingTwins {
  /** Measurements handed out so far, by `<socket> <address>`. */
  counts(): Promise<Readonly<Record<string, number>>>;
  stop(): Promise<void>;
}

export async function startCountingTwins(sockets: readonly string[]): Promise<CountingTwins> {
  const script = fileURLToPath(new URL('./counting-twins.js', import.meta.url));
  const child = spawn(process.execPath, [script, ...sockets], { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout! })[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.value !== 'ready') throw new Error('the counting twins did not start');
  return {
    counts: async () => {
      child.stdin!.write('?\n');
      return JSON.parse((await lines.next()).value ?? '{}');
    },
    stop: async () => {
      const gone = once(child, 'exit');
      child.stdin!.end();
      await gone;
    },
  };
}

/** The twin board with its two buses served over sockets in `folder`. A busy machine may keep a process waiting for longer than a bus may. */
export function writeSocketBoard(folder: string): void {
  const board = [
    'title: Twins of another process',
    'kind: twin',
    'i2c:',
    `  i2c-1: { pins: [3, 5], device: 'unix:${join(folder, 'i2c-1.sock')}', timeout: 1s }`,
    `  i2c-2: { pins: [27, 28], device: 'unix:${join(folder, 'i2c-2.sock')}', timeout: 1s }`,
  ];
  writeFileSync(join(folder, 'board.yaml'), `${board.join('\n')}\n`);
}
