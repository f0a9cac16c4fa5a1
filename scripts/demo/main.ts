import { mkdirSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { emitKeypressEvents } from 'node:readline';
import { type Logger, pino } from 'pino';
import { parseConfig } from '../../fleet/config/index.js';
import { type RunningFleet, startFleet } from '../../fleet/fleet.js';
import type { NodeDetail } from '../../fleet/store/index.js';
import { ensureIdentity } from '../../runtime/identity.js';
import type { PipelineStatus } from '../../runtime/pipeline.js';
import { freePort, type Gate, openGate } from './gate.js';
import { NodeProcess } from './node-process.js';
import { viewLines } from './screen.js';

const BROKER_PORT = 1883;
const WEB_PORT = 8000;
const REDRAW_MS = 500;
const PLAIN_MS = 5_000;
const RESTART_MS = 1_000;
const KEYS = 'c cut the link   r restore it   k kill the node (as a power cut would)   q quit';

/** What `npm start` shows: the fleet's side, and a node on twins as a process of its own. */
class Demo {
  #status: PipelineStatus | undefined;
  #held: NodeDetail | undefined;
  #nodeState = 'starting';
  #stopping = false;

  constructor(
    private readonly fleet: RunningFleet,
    private readonly gate: Gate,
    private readonly node: NodeProcess,
    private readonly options: { readonly brokerPort: number; readonly web: string; readonly screen: boolean },
  ) {}

  start(): void {
    this.#startNode();
    setInterval(() => void this.#refresh(), REDRAW_MS);
    if (!this.options.screen) setInterval(() => this.#plain(), PLAIN_MS);
  }

  key(name: string | undefined): void {
    if (name === 'c') this.gate.set(false);
    if (name === 'r') this.gate.set(true);
    if (name === 'k') this.node.kill();
    if (name === 'q') void this.stop();
  }

  async stop(): Promise<void> {
    if (this.#stopping) return;
    this.#stopping = true;
    this.#say('stopping: the node commits what it has and writes its limit');
    await this.node.stop();
    await this.#refresh();
    process.stdout.write(`\n${viewLines(this.#view()).join('\n')}\n`);
    this.gate.close();
    await this.fleet.stop();
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
      this.#held = await this.fleet.store.node(this.node.id, Date.now());
    } catch (error) {
      this.#nodeState = `does not answer: ${(error as Error).message}`;
    }
    if (this.options.screen && !this.#stopping) this.#draw();
  }

  #draw(): void {
    const lines = [...viewLines(this.#view()), '', KEYS];
    const width = process.stdout.columns ?? 80;
    const room = (process.stdout.rows ?? 40) - 1;
    const body = lines.slice(0, room).map((line) => `${line.slice(0, width)}\x1b[K`);
    process.stdout.write(`\x1b[H${body.join('\r\n')}\x1b[J`);
  }

  #view() {
    const { brokerPort, web } = this.options;
    return {
      ...{ brokerPort, web, linkUp: this.gate.isUp, nodeState: this.#nodeState },
      ...{ status: this.#status, streams: this.#held?.streams ?? [], nowMs: Date.now() },
    };
  }

  /** Not a terminal: what a person would look at, as lines. */
  #plain(): void {
    for (const line of viewLines(this.#view()).slice(3)) process.stdout.write(`${line}\n`);
  }

  #say(text: string): void {
    if (!this.options.screen) process.stdout.write(`${text}\n`);
  }
}

/** The fleet's log lies in a file: the screen is for the picture. */
function fleetLog(folder: string): Logger {
  return pino(
    { base: null, timestamp: pino.stdTimeFunctions.isoTime },
    pino.destination(join(folder, 'fleet.log')),
  );
}

async function main(): Promise<void> {
  const screen = process.stdout.isTTY === true && process.stdin.isTTY === true;
  const folder = resolve(process.env.CAIRN_DEMO_FOLDER ?? 'cairn-data');
  mkdirSync(folder, { recursive: true });
  const { identity } = ensureIdentity(join(folder, 'identity'));
  const [brokerPort, webPort] = [await freePort(BROKER_PORT), await freePort(WEB_PORT)];
  const config = {
    data: join(folder, 'fleet'),
    broker: { port: brokerPort, open: 'loopback' },
    web: { port: webPort, open: 'loopback' },
  };
  const fleet = await startFleet(parseConfig(JSON.stringify(config), 'the demo'), fleetLog(folder));
  const web = await fleet.address;
  const gate = await openGate(brokerPort);
  const node = NodeProcess.prepare(folder, {
    id: identity.node,
    brokerPort: gate.port,
    fleetKey: join(folder, 'fleet/fleet.pub'),
  });
  const demo = new Demo(fleet, gate, node, { brokerPort, web, screen });
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => void demo.stop());
  if (screen) {
    process.stdout.write('\x1b[2J');
    emitKeypressEvents(process.stdin);
    process.stdin
      .setRawMode(true)
      .on('keypress', (_text, key) => demo.key(key.ctrl && key.name === 'c' ? 'q' : key.name));
  } else {
    process.stdout.write(
      `the fleet is at ${web}; broker on mqtt://127.0.0.1:${brokerPort}; listen: mosquitto_sub -p ${brokerPort} -t 'cairn/1/+/senml/#' -v\n`,
    );
  }
  demo.start();
}

await main();
