import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { MAIN } from '../../acceptance/harness.js';
import type { Bench } from './bench.js';
import { TmuxLine } from './tmux-line.js';

/** What a command left on the screen, and what it took the line. */
export interface Answer {
  readonly text: string;
  /** The same between the two prompts. */
  readonly screen: string;
  /** On the line, the prompt after it included. */
  readonly bytes: number;
  /** From Enter to the prompt. */
  readonly ms: number;
}

/** Somebody with a cable, a key, and a keyboard. */
export class Technician {
  #commands = 0;

  private constructor(
    readonly line: TmuxLine,
    private readonly prompt: RegExp,
    /** What stood on the screen when the challenge was there. */
    readonly banner: string,
    /** From the start of the console until it stood there. */
    readonly bannerMs: number,
  ) {}

  /** Plugs in, and answers the challenge with the owner's key, as their laptop would. `looksAtCode`: asks for the QR code first. */
  static async logIn(
    { machine, node, name }: Pick<Bench, 'machine' | 'node' | 'name'>,
    looksAtCode = false,
  ): Promise<Technician> {
    const at = (file: string) => join(node.folder, file);
    const { publicKey, privateKey } = generateKeyPairSync('ed25519');
    writeFileSync(at('owner.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(at('owner.key'), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    const files = ['--identity', at('identity'), '--state', at('console'), '--owner-key', at('owner.pub')];
    const begin = [MAIN, 'console', '--baud', '9600', '--config', node.configFile, ...files];
    const line = await TmuxLine.open(begin, machine.within);
    try {
      await line.shows(/as a QR code\)$/);
      const bannerMs = performance.now() - line.startedAtMs;
      if (looksAtCode) {
        await line.type('?');
        await line.press('Enter');
        await line.isQuiet();
      }
      const banner = await line.scroll();
      const challenge = /c1\.\S+/.exec(banner)![0];
      const words = [MAIN, 'answer', challenge, '--key', at('owner.key')];
      const answer = await promisify(execFile)(process.execPath, words);
      await line.type(answer.stdout.trim());
      await line.press('Enter');
      const prompt = new RegExp(`\n${name} owner>$`);
      await line.shows(prompt);
      return new Technician(line, prompt, banner, bannerMs);
    } catch (error) {
      await line.close();
      throw error;
    }
  }

  /** Lines typed since the log-in. */
  get commands(): number {
    return this.#commands;
  }

  /** `until`: of a command that has no end, what is waited for before Ctrl-C ends it. */
  async asks(command: string, until?: RegExp): Promise<Answer> {
    this.#commands++;
    await this.line.type(command);
    await this.line.shows(new RegExp(`owner> ${command}$`));
    const [before, atMs] = [this.line.down.bytes, performance.now()];
    await this.line.press('Enter');
    if (until) {
      await this.line.shows(until);
      await this.line.press('C-c');
    }
    await this.line.shows(this.prompt);
    const [ms, bytes] = [performance.now() - atMs, this.line.down.bytes - before];
    const all = await this.line.scroll();
    const echo = `owner> ${command}\n`;
    const begun = all.lastIndexOf(echo);
    const screen = all.slice(all.lastIndexOf('\n', begun) + 1);
    return { text: all.slice(begun + echo.length).replace(this.prompt, ''), screen, bytes, ms };
  }

  async leaves(): Promise<void> {
    await this.line.close();
  }
}
