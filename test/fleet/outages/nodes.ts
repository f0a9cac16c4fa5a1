import type { KeyObject } from 'node:crypto';
import { FakeStore } from '../../uplink/fake-store.js';
import { type RealUplink, realUplink } from '../../uplink/real.js';

const COMMIT_MS = 500;
const ROWS = 5;
/** Alarms of a node: fewer an hour than are told one by one. */
const ALARM_EVERY = 60;
const RECEIPT_DEADLINE_MS = 5_000;

/** A node's uplink over a real connection, custody `fleet`: it frees what it has a signed receipt for, and nothing else. Its store is in memory. */
export class LoadNode {
  readonly id: string;
  #climate = 0;
  #alarms = 0;
  #ticks = 0;
  readonly #real: RealUplink;
  readonly #startMs = Date.now();
  readonly #timer: NodeJS.Timeout;

  constructor(
    url: string,
    key: KeyObject,
    private readonly number: number,
  ) {
    this.id = number.toString(16).padStart(16, '0');
    const fleet = { keys: [], receiptDeadlineMs: RECEIPT_DEADLINE_MS };
    this.#real = realUplink({ url, fleet }, new FakeStore(this.id), undefined, [key]);
    this.#describe();
    this.#real.uplink.start();
    this.#timer = setInterval(() => this.#tick(), COMMIT_MS);
  }

  get committed(): { readonly climate: number; readonly alarms: number } {
    return { climate: this.#climate, alarms: this.#alarms };
  }

  /** Blocks without a receipt. */
  get waiting(): number {
    return this.#real.store.left.length;
  }

  /** It samples no more; what waits is still sent. */
  rest(): void {
    clearInterval(this.#timer);
  }

  async stop(): Promise<void> {
    this.rest();
    await this.#real.uplink.stop(0);
  }

  #describe(): void {
    const channels = [{ name: 'temperature', quantity: 'temperature', type: { kind: 'f64' } }] as const;
    const wallNs = BigInt(this.#startMs) * 1_000_000n;
    const of = (stream: string, logClass: 'telemetry' | 'alarm') =>
      ({
        kind: 'descriptor',
        value: { stream, version: 1, title: stream, class: logClass, channels },
      }) as const;
    this.#real.store.commitMeta(
      { kind: 'boot', value: { boot: 3, bootId: 'load', software: 'load' } },
      of('climate', 'telemetry'),
      of('sos', 'alarm'),
      {
        kind: 'anchor',
        value: { boot: 3, monotonicNs: 0n, wallNs, uncertaintyNs: 1_000_000n, source: 'system' },
      },
    );
  }

  #tick(): void {
    const timeNs = BigInt(Date.now() - this.#startMs) * 1_000_000n;
    this.#real.store.commit([{ class: 'telemetry', stream: 'climate', rows: ROWS, timeNs }]);
    this.#climate += ROWS;
    // Each at another time than its neighbour.
    if ((this.#ticks++ + this.number * 7) % ALARM_EVERY !== 0) return;
    this.#real.store.commit([{ class: 'alarm', stream: 'sos', timeNs }]);
    this.#alarms++;
  }
}
