import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { until } from '../../support/until.js';
import { Wire } from './wire.js';

const MODES = 'sane';
/** As bin/cairn starts it. */
const SMALL = ['--max-semi-space-size=1', '--max-old-space-size=96'];

/** A process on a real terminal, and the wire that comes out of it; what it says is seen at the wire's speed. */
export class RealLine {
  readonly folder = mkdtempSync(join(tmpdir(), 'cairn-line-'));
  readonly wire: Wire;
  readonly startedAtMs = performance.now();
  #socat!: ChildProcess;
  #process!: ChildProcess;
  /** As `stty -g` prints them, before the process came. */
  #modes = '';

  private constructor(bytesPerSecond: number) {
    this.wire = new Wire(bytesPerSecond, () => performance.now());
  }

  /** Starts `node words…` with a terminal as its standard input, output and error. */
  static async open(t: TestContext, words: readonly string[], bytesPerSecond: number): Promise<RealLine> {
    const line = new RealLine(bytesPerSecond);
    t.after(() => line.#close());
    await line.#plug();
    line.#start(words);
    return line;
  }

  get #link(): string {
    return join(this.folder, 'line');
  }

  async #plug(): Promise<void> {
    this.#socat = spawn('socat', ['-b65536', `PTY,link=${this.#link}`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#socat.stdout!.on('data', this.wire.take);
    this.#socat.stdin!.on('error', () => undefined);
    await until('the terminal', () => existsSync(this.#link));
    spawnSync('stty', ['-F', this.#link, MODES]);
    this.#modes = this.modes();
  }

  #start(words: readonly string[]): void {
    const file = openSync(this.#link, constants.O_RDWR | constants.O_NOCTTY);
    this.#process = spawn(process.execPath, [...SMALL, ...words], { stdio: [file, file, file] });
    closeSync(file);
  }

  get text(): string {
    return this.wire.text;
  }

  get isRestored(): boolean {
    return this.modes() === this.#modes;
  }

  /** The terminal's modes now; the test holds no end of it open. */
  modes(): string {
    return spawnSync('stty', ['-F', this.#link, '-g'], { encoding: 'utf8' }).stdout;
  }

  /** Bytes typed, as fast as the terminal takes them. */
  async type(bytes: string | Uint8Array): Promise<void> {
    const { stdin } = this.#socat;
    if (!stdin!.write(bytes)) await once(stdin!, 'drain');
  }

  async says(what: RegExp, withinMs?: number): Promise<void> {
    await until(`${what} in ${JSON.stringify(this.text.slice(-500))}`, () => what.test(this.text), withinMs);
  }

  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  /** Nothing is read of what it says any more. */
  stop(): void {
    this.#socat.kill('SIGSTOP');
  }

  /** The other end is gone. */
  async hangUp(): Promise<void> {
    const gone = once(this.#socat, 'exit');
    this.#socat.kill('SIGKILL');
    await gone;
  }

  /** How the process ended: its exit code. */
  async ended(): Promise<number | null> {
    await until(
      'the end of the process',
      () => this.#process.exitCode !== null || this.#process.signalCode !== null,
    );
    return this.#process.exitCode;
  }

  /** Resident memory of the process. */
  get rssBytes(): number {
    const status = readFileSync(`/proc/${this.#process.pid}/status`, 'utf8');
    return Number(/VmRSS:\s+(\d+) kB/.exec(status)![1]) * 1024;
  }

  /** What the process has read so far, of anything. */
  get readBytes(): number {
    const { pid, exitCode, signalCode } = this.#process;
    if (exitCode !== null || signalCode !== null) {
      const said = JSON.stringify(this.text.slice(-500));
      throw new Error(`the process is gone (${exitCode ?? signalCode}); its last words: ${said}`);
    }
    return Number(/rchar: (\d+)/.exec(readFileSync(`/proc/${pid}/io`, 'utf8'))![1]);
  }

  #close(): void {
    this.#process?.kill('SIGKILL');
    this.#socat.kill('SIGKILL');
    rmSync(this.folder, { recursive: true });
  }
}
