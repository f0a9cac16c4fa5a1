import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { emitKeypressEvents } from 'node:readline';
import { type RunningReceiver, startReceiver } from '../../fleet/receive/index.js';
import { ensureIdentity } from '../../runtime/identity.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { type DemoBroker, startBroker } from './broker.js';
import { NodeProcess } from './node-process.js';
import { type LastRow, lastRowOf, ledgerLines, viewLines } from './screen.js';

const WANTED_PORT = 1883;
const REDRAW_MS = 500;
const PLAIN_MS = 5_000;
const RESTART_MS = 1_000;
const KEYS = 'c cut the link   r restore it   k kill the node (as a power cut would)   q quit';

/** What `npm start` shows: a broker, a receiver, and a node on twins as a process of its own. */
class Demo {
  readonly #last = new Map<string, LastRow>();
  #status: PipelineStatus | undefined;
  #nodeState = 'starting';
  #stopping = false;

  constructor(
    private readonly broker: DemoBroker,
    private readonly node: NodeProcess,
    private readonly screen: boolean,
  ) {}

  receiver: RunningReceiver | undefined;

  async start(folder: string): Promise<void> {
    this.receiver = await startReceiver({
      url: `mqtt://127.0.0.1:${this.broker.port}`,
      clientId: 'cairn-demo-receiver',
      protocol: '3.1.1',
      ledgerFile: join(folder, 'ledger.jsonl'),
      onResult: (result) => {
        if (result.kind !== 'rows') return;
        this.#last.set(result.rows.header.stream, lastRowOf(result.rows, Date.now()));
      },
    });
    await this.receiver.subscribed;
    this.#startNode();
    setInterval(() => void this.#refresh(), REDRAW_MS);
    if (!this.screen) setInterval(() => this.#plain(), PLAIN_MS);
  }

  key(name: string | undefined): void {
    if (name === 'c') this.broker.setLink(false);
    if (name === 'r') this.broker.setLink(true);
    if (name === 'k') this.node.kill();
    if (name === 'q') void this.stop();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#say('stopping: the node commits what it has and writes its limit');
    await this.node.stop();
    await this.receiver?.stop();
    await this.broker.close();
    const ledger = this.receiver?.receiver.summary() ?? [];
    process.stdout.write(`\n${ledgerLines(ledger).join('\n')}\n`);
    process.exit(0);
  }

  #startNode(): void {
    this.#nodeState = 'running';
    this.node.start((code, signal) => {
      this.#nodeState = `stopped (${signal ?? `exit code ${code}`}); its log: ${this.node.logFile}`;
      this.#say(`node: ${this.#nodeState}`);
      if (!this.#stopping) setTimeout(() => this.#startNode(), RESTART_MS);
    });
  }

  async #refresh(): Promise<void> {
    try {
      this.#status = await this.node.status();
    } catch (error) {
      this.#nodeState = `does not answer: ${(error as Error).message}`;
    }
    if (this.screen && !this.#stopping) this.#draw();
  }

  #draw(): void {
    const lines = [...viewLines(this.#view()), '', KEYS];
    const width = process.stdout.columns ?? 80;
    const room = (process.stdout.rows ?? 40) - 1;
    const body = lines.slice(0, room).map((line) => `${line.slice(0, width)}\x1b[K`);
    process.stdout.write(`\x1b[H${body.join('\r\n')}\x1b[J`);
  }

  #view() {
    return {
      port: this.broker.port,
      linkUp: this.broker.linkUp,
      nodeState: this.#nodeState,
      status: this.#status,
      last: this.#last,
      ledger: this.receiver?.receiver.summary() ?? [],
      nowMs: Date.now(),
    };
  }

  /** Not a terminal: what a person would look at, as lines. */
  #plain(): void {
    for (const line of viewLines(this.#view()).slice(3)) process.stdout.write(`${line}\n`);
  }

  #say(text: string): void {
    if (!this.screen) process.stdout.write(`${text}\n`);
  }
}

async function main(): Promise<void> {
  const screen = process.stdout.isTTY === true && process.stdin.isTTY === true;
  const folder = resolve(process.env.CAIRN_DEMO_FOLDER ?? 'cairn-data');
  mkdirSync(folder, { recursive: true });
  ensureIdentity(join(folder, 'identity'));
  const broker = await startBroker(WANTED_PORT);
  const node = NodeProcess.prepare(folder, broker.nodePort);
  const demo = new Demo(broker, node, screen);
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void demo.stop());
  if (screen) {
    process.stdout.write('\x1b[2J');
    emitKeypressEvents(process.stdin);
    process.stdin
      .setRawMode(true)
      .on('keypress', (_text, key) => demo.key(key.ctrl && key.name === 'c' ? 'q' : key.name));
  } else {
    process.stdout.write(
      `broker on mqtt://127.0.0.1:${broker.port}; listen: mosquitto_sub -p ${broker.port} -t 'cairn/1/+/senml/#' -v\n`,
    );
  }
  await demo.start(folder);
}

await main();
