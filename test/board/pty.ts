import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { lstat, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from '../contract/serial.js';

/** Undefined where there is socat, else why a test that needs it is skipped. */
export const noSocat: string | false =
  spawnSync('socat', ['-V']).status === 0 ? false : 'socat is not installed';

/** A pty pair by socat: the node's end under a stable link, the device's end for the test. */
export class Pty {
  #socat: ChildProcess | undefined;
  #heard = '';

  private constructor(private readonly folder: string) {}

  static async make(): Promise<Pty> {
    const pty = new Pty(await mkdtemp(join(tmpdir(), 'cairn-pty-')));
    await pty.plug();
    return pty;
  }

  get link(): string {
    return join(this.folder, 'usb-part');
  }

  async plug(): Promise<void> {
    const socat = spawn('socat', ['-b65536', `PTY,link=${this.link},rawer`, 'STDIO'], {
      stdio: ['pipe', 'pipe', 'inherit'],
    });
    socat.stdout.on('data', (chunk: Buffer) => {
      this.#heard += chunk.toString('latin1');
    });
    // What can't be written is told to who said it.
    socat.stdin.on('error', () => undefined);
    this.#socat = socat;
    await until('the pty', () =>
      lstat(this.link).then(
        () => true,
        () => false,
      ),
    );
  }

  /** The device is pulled out: its end and the link vanish. */
  async unplug(): Promise<void> {
    const socat = this.#socat;
    if (!socat || socat.exitCode !== null || socat.signalCode !== null) return;
    const gone = new Promise((resolve) => socat.once('exit', resolve));
    socat.kill('SIGKILL');
    await gone;
    await rm(this.link, { force: true });
  }

  /** The line is hung up before this returns: whoever is reading finds it so in the middle of a read. */
  hangUpNow(): void {
    this.#socat!.kill('SIGKILL');
    spawnSync('sleep', ['0.1']);
  }

  async say(bytes: Uint8Array, chunk = 65_536): Promise<void> {
    const stdin = this.#socat!.stdin!;
    for (let at = 0; at < bytes.length; at += chunk) {
      const piece = bytes.subarray(at, at + chunk);
      await new Promise<void>((resolve, reject) => {
        stdin.write(piece, (error) => (error ? reject(error) : resolve()));
      });
      if (chunk < 64) await new Promise((resolve) => setTimeout(resolve, 1)); // else socat joins them again
    }
  }

  async heard(): Promise<string> {
    return this.#heard;
  }

  async close(): Promise<void> {
    await this.unplug();
    await rm(this.folder, { recursive: true });
  }
}
