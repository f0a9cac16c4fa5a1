import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask, controlPath } from '../../runtime/control.js';
import { packageRoot } from '../../runtime/package.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';

/** How long a stopped node may take before it is killed. */
const STOP_MS = 8_000;

/** The node of the demo: the real command in a process of its own, on the twin board. */
export class NodeProcess {
  #child: ChildProcess | undefined;
  #stopping = false;
  starts = 0;

  private constructor(
    readonly folder: string,
    readonly id: string,
    private readonly configFile: string,
  ) {}

  /** Writes the demo's node file below `folder`, with the broker's port in it, and the fleet's key, whose receipts it then waits for. */
  static prepare(
    folder: string,
    {
      id,
      brokerPort,
      fleetKey,
    }: { readonly id: string; readonly brokerPort: number; readonly fleetKey?: string },
  ): NodeProcess {
    mkdirSync(folder, { recursive: true });
    const source = join(packageRoot(), 'board-configs', 'nodes', 'demo.yaml');
    const custody = fleetKey ? `\n  fleetKeys: [{ file: ${fleetKey} }]` : '';
    const text = readFileSync(source, 'utf8')
      .replace(/^identity:.*$/m, `identity: ${join(folder, 'identity')}`)
      .replace(/^(\s*path:).*$/m, `$1 ${join(folder, 'store')}`)
      .replace(/mqtt:\/\/127\.0\.0\.1:\d+/, `mqtt://127.0.0.1:${brokerPort}${custody}`);
    const configFile = join(folder, 'node.yaml');
    writeFileSync(configFile, text);
    return new NodeProcess(folder, id, configFile);
  }

  get logFile(): string {
    return join(this.folder, 'node.log');
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  start(onExit: (code: number | null, signal: string | null) => void): void {
    const log = createWriteStream(this.logFile, { flags: 'a' });
    const child = spawn(join(packageRoot(), 'bin', 'cairn'), ['run', '--config', this.configFile], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    child.stdout?.pipe(log);
    child.stderr?.pipe(log);
    child.on('exit', (code, signal) => {
      this.#child = undefined;
      if (!this.#stopping) onExit(code, signal);
    });
    this.#child = child;
    this.starts++;
  }

  /** As a power cut does it. */
  kill(): void {
    this.#child?.kill('SIGKILL');
  }

  async status(): Promise<PipelineStatus | undefined> {
    if (!this.#child) return undefined;
    return (await ask(controlPath(join(this.folder, 'store')), 'status')) as PipelineStatus | undefined;
  }

  async stop(): Promise<void> {
    const child = this.#child;
    this.#stopping = true;
    if (!child) return;
    const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
    child.kill('SIGTERM');
    const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
    await gone;
    clearTimeout(timer);
  }
}
