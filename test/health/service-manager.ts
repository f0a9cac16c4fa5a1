import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';

/** Node has no datagram sockets in the file system: Python, which node-gyp needs anyway, holds it. */
export const WITHOUT_PYTHON: string | false =
  spawnSync('python3', ['-V']).status === 0 ? false : 'python3 is not installed';

const RECEIVER = `
import json, socket, sys, time
name = sys.argv[1]
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(chr(0) + name[1:] if name[0] == '@' else name)
print(json.dumps({'ms': time.monotonic() * 1000, 'text': ''}), flush=True)
while True:
    text = s.recv(4096).decode()
    print(json.dumps({'ms': time.monotonic() * 1000, 'text': text}), flush=True)
`;

export interface Told {
  /** Of a clock that does not jump; only differences mean something. */
  readonly ms: number;
  readonly words: readonly string[];
}

/** A real datagram socket, as a service manager holds it, and what came in so far. */
export class ServiceManager {
  readonly told: Told[] = [];

  private constructor(
    readonly address: string,
    private readonly child: ChildProcess,
  ) {}

  static async listen(t: TestContext, address: string): Promise<ServiceManager> {
    const child = spawn('python3', ['-c', RECEIVER, address], { stdio: ['ignore', 'pipe', 'inherit'] });
    const manager = new ServiceManager(address, child);
    t.after(() => manager.stop());
    const lines = createInterface({ input: child.stdout! });
    const bound = once(lines, 'line');
    lines.on('line', (line) => {
      const { ms, text } = JSON.parse(line) as { ms: number; text: string };
      if (text !== '') manager.told.push({ ms, words: text.split('\n') });
    });
    await bound;
    return manager;
  }

  has(pattern: RegExp): boolean {
    return this.told.some(({ words }) => words.some((word) => pattern.test(word)));
  }

  times(word: string): readonly number[] {
    return this.told.filter(({ words }) => words.includes(word)).map(({ ms }) => ms);
  }

  async stop(): Promise<void> {
    if (this.child.exitCode !== null || this.child.signalCode !== null) return;
    const gone = once(this.child, 'exit');
    this.child.kill('SIGKILL');
    await gone;
  }
}
