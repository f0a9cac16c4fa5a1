import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { MAIN, TestNode } from '../../acceptance/harness.js';
import { FakeWall } from '../../clock/fake-wall.js';
import { StubBroker } from '../../support/stub-broker.js';
import { Machine } from './machine.js';

/** A fault, put in below everything that `why` looks at. */
export interface Fault {
  readonly name: string;
  /** Resolves once the node can know of it. */
  readonly inject: () => Promise<void>;
  /** The first cause, by its text: whole lines joined by blanks. */
  readonly cause: RegExp;
  /** Takes it out; resolves once the node is well again. Absent where nothing comes after it. */
  readonly mend?: () => Promise<void>;
}

/** A node on a machine of its own, and the faults that are put in one after the other. */
export interface Bench {
  readonly name: string;
  readonly machine: Machine;
  readonly node: TestNode;
  /** From its start on, until it is as it should be before the first fault. */
  readonly start: () => Promise<void>;
  readonly faults: readonly Fault[];
  readonly remove: () => Promise<void>;
}

export interface BenchOptions {
  readonly name: string;
  /** What the node file says beside `node`, `store` and `uplink`. */
  readonly parts: string;
  /** Absent: a broker of the bench, which answers; null: none. */
  readonly uplink?: string | null;
  readonly storePath?: string;
  readonly machine?: Machine;
}

export class MadeBench {
  readonly folder = mkdtempSync(join(tmpdir(), 'cairn-bench-'));
  /** The clock that the node's machine has; the console needs none. */
  readonly wall = new FakeWall(this.folder);
  readonly #opened: (() => unknown)[] = [];

  private constructor(
    readonly name: string,
    readonly machine: Machine,
    readonly node: TestNode,
  ) {}

  static async make(options: BenchOptions): Promise<MadeBench> {
    const { name, parts, machine = new Machine() } = options;
    const broker = options.uplink === undefined ? await StubBroker.start() : undefined;
    await machine.boot();
    const uplink = broker ? `{ url: '${broker.url}', ${FAST} }` : options.uplink;
    const text = [`node: ${name}`, parts, STORE, ...(uplink ? [`uplink: ${uplink}`] : [])].join('\n');
    const node = new TestNode(text, options.storePath ?? join(machine.disk, 'store'), machine.within);
    const bench = new MadeBench(name, machine, node);
    bench.wall.set(0n, true);
    if (broker) bench.onRemove(() => broker.close());
    return bench;
  }

  onRemove(close: () => unknown): void {
    this.#opened.push(close);
  }

  start(environment: Readonly<Record<string, string>> = {}, command?: readonly string[]): void {
    const words = command ?? [MAIN, 'run', '--config', this.node.configFile];
    this.node.start(words, { ...this.wall.environment, ...environment });
  }

  /** Nothing but what is put in is wrong with it. */
  async isWell(): Promise<void> {
    await this.node.until(
      'it is well',
      ({ parts, store, uplink, time }) =>
        parts.every(({ state }) => state === 'ok') &&
        store.committedRows > 0 &&
        store.health.state === 'ok' &&
        (!uplink || uplink.link.state === 'online') &&
        time.wallNs !== undefined,
    );
  }

  readonly remove = async (): Promise<void> => {
    const rest = [
      () => this.machine.remove(),
      () => this.wall.close(),
      () => rmSync(this.folder, { recursive: true }),
    ];
    const failed: unknown[] = [];
    // What is left behind holds the whole process: nothing that fails keeps the others from being closed.
    for (const close of [() => this.node.remove(), ...this.#opened.reverse(), ...rest])
      await Promise.resolve()
        .then(close)
        .catch((error: unknown) => failed.push(error));
    if (failed.length > 0) throw new AggregateError(failed, `${this.name} could not be removed`);
  };
}

/** What a link is made anew after. */
export const FAST = 'backoff: { min: 100ms, max: 1s }';
const STORE = 'store: { path: STORE, size: 16 MB, commit: 200ms }';
/** One part that is there. */
export const TWIN = `
board: twin
parts:
  climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 500ms }`;
