import { type ChildProcess, execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, constants, existsSync, mkdtempSync, openSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { sleep } from '../../acceptance/load.js';
import { noSocat } from '../../board/pty.js';
import { until } from '../../support/until.js';
import { SlowWire } from './slow-wire.js';

/** For `{ skip }`: false, or the reason by name. */
export const WITHOUT_TMUX: string | false =
  noSocat || (spawnSync('tmux', ['-V']).status === 0 ? false : 'tmux is not installed');

const BYTES_PER_S = 960;
const LOOK_MS = 20;
/** What has come is on the screen by then. */
const DRAWN_MS = 500;
/** As bin/cairn starts it. */
const SMALL = ['--max-semi-space-size=1', '--max-old-space-size=96'];

/**
 * A process on a real terminal, and at the other end of its line a person's terminal: a tmux of its own, 80×24. What either says reaches the
 * other at 9600 baud, 8N1.
 */
export class TmuxLine {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cairn-tmux-'));
  readonly startedAtMs = performance.now();
  readonly down = new SlowWire(BYTES_PER_S);
  readonly #up = new SlowWire(BYTES_PER_S);
  #far!: ChildProcess;
  #server!: Server;
  #near: Socket | undefined;
  #process!: ChildProcess;

  static async open(words: readonly string[], within: readonly string[]): Promise<TmuxLine> {
    const line = new TmuxLine();
    await line.#plug();
    await line.#startTerminal();
    line.#start([...within, process.execPath, ...SMALL, ...words]);
    return line;
  }

  get #link(): string {
    return join(this.#folder, 'line');
  }

  /** The node's end. */
  async #plug(): Promise<void> {
    this.#far = spawn('socat', ['-b65536', `PTY,link=${this.#link}`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    this.#far.stdout!.on('data', (bytes: Buffer) => this.down.send(bytes));
    this.#far.stdin!.on('error', () => undefined);
    this.#up.onBytes = (bytes) => void this.#far.stdin!.write(bytes);
    await until('the line', () => existsSync(this.#link));
    spawnSync('stty', ['-F', this.#link, 'sane', '9600']);
  }

  /** The person's end: in tmux's window runs what any terminal program is, its own terminal joined to the line. */
  async #startTerminal(): Promise<void> {
    const socket = join(this.#folder, 'near');
    this.#server = createServer((near) => {
      this.#near = near;
      near.on('data', (bytes) => this.#up.send(bytes));
      near.on('error', () => undefined);
      this.down.onBytes = (bytes) => void near.write(bytes);
    }).listen(socket);
    await until('the wire', () => existsSync(socket));
    await this.#tmux(
      '-f',
      '/dev/null',
      '-u',
      'new-session',
      '-d',
      '-x',
      '80',
      '-y',
      '24',
      `socat -,rawer UNIX-CONNECT:${socket}`,
    );
    await until('the terminal', () => this.#near !== undefined);
  }

  #start([program, ...words]: readonly string[]): void {
    const file = openSync(this.#link, constants.O_RDWR | constants.O_NOCTTY);
    this.#process = spawn(program!, words, { stdio: [file, file, file] });
    closeSync(file);
  }

  async #tmux(...words: readonly string[]): Promise<string> {
    const { stdout } = await promisify(execFile)('tmux', ['-S', join(this.#folder, 'tmux'), ...words]);
    return stdout;
  }

  /** By keys alone. */
  async type(text: string): Promise<void> {
    // An answer may begin with -.
    await this.#tmux('send-keys', '-l', '--', text);
  }

  /** A key by its name in tmux(1): Enter, C-c. */
  async press(key: string): Promise<void> {
    await this.#tmux('send-keys', key);
  }

  /** What stands on the screen. */
  async screen(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p')).trimEnd();
  }

  /** What stands there and what has left it at the top. */
  async scroll(): Promise<string> {
    return (await this.#tmux('capture-pane', '-p', '-S', '-')).trimEnd();
  }

  /** Waits until it stands at the end of the screen; looks whenever the line falls silent. */
  async shows(what: RegExp, withinMs = 90_000): Promise<void> {
    const end = Date.now() + withinMs;
    for (let [seen, atMs] = [-1, 0]; ; await sleep(LOOK_MS)) {
      if (this.down.isBusy || (seen === this.down.bytes && performance.now() - atMs < DRAWN_MS)) continue;
      [seen, atMs] = [this.down.bytes, performance.now()];
      if (what.test(await this.screen())) return;
      if (Date.now() > end) throw new Error(`not within ${withinMs} ms: ${what} on\n${await this.scroll()}`);
    }
  }

  /** Waits until nothing has come for a second. */
  async isQuiet(): Promise<void> {
    for (let said = -1; said !== this.down.bytes; ) {
      said = this.down.bytes;
      await sleep(1000);
    }
  }

  /** Resolves once the process is gone. */
  async close(): Promise<void> {
    const gone = this.#process && this.#process.exitCode === null && once(this.#process, 'exit');
    this.#process?.kill('SIGKILL');
    await gone;
    this.#far?.kill('SIGKILL');
    spawnSync('tmux', ['-S', join(this.#folder, 'tmux'), 'kill-server']);
    this.#server?.close();
    this.down.cut();
    this.#up.cut();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
