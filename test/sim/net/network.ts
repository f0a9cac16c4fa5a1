import type { Kernel } from '../kernel/kernel.js';
import type { FaultOf, UplinkPlan } from '../scenario.js';
import type { Way } from './metered.js';

/** The way between node and broker: its speed, and what is wrong with it now. */
export class Network {
  outage: FaultOf<'outage'> | undefined;
  silent: FaultOf<'silentBroker'> | undefined;
  refusal: FaultOf<'refusal'> | undefined;
  lostPubacks = 0;
  strayPubacks = false;
  /** Share of the fleet's receipts that get lost. */
  lostReceipts = 0;
  hasSubscriber = true;
  /** By which way connections go out from now on. */
  way: Way = 'metered';
  /** The link is this many times slower than usual. */
  slowness = 1;
  /** Called when a link comes to such a moment: the network may go, or the node may die. */
  onMoment: (moment: 'publish' | 'taken' | 'answer') => void = () => undefined;
  #busyUntilNs = { up: 0, down: 0 };

  constructor(
    readonly kernel: Kernel,
    readonly plan: UplinkPlan,
  ) {}

  get isCalm(): boolean {
    const { outage, silent, refusal, lostPubacks, hasSubscriber, slowness } = this;
    return (
      !outage &&
      !silent &&
      !refusal &&
      lostPubacks === 0 &&
      this.lostReceipts === 0 &&
      hasSubscriber &&
      slowness === 1
    );
  }

  get latencyNs(): number {
    return this.plan.latencyMs * 1e6 * Math.min(this.slowness, 10);
  }

  /** ns that so many bytes take at the link's present speed. */
  airtimeNs(bytes: number): number {
    return (bytes * this.slowness * 1e9) / this.plan.bytesPerS;
  }

  /** Bytes that wait for the link, as the time that they will take. */
  queuedNs(way: 'up' | 'down'): number {
    return Math.max(0, this.#busyUntilNs[way] - this.kernel.nowNs);
  }

  /** Calls back when so many bytes have come through, behind all that was sent before. */
  carry(way: 'up' | 'down', bytes: number, arrived: () => void): void {
    const from = Math.max(this.kernel.nowNs, this.#busyUntilNs[way]);
    const until = from + this.airtimeNs(bytes);
    this.#busyUntilNs[way] = until;
    this.kernel.at(Math.ceil(until + this.latencyNs), arrived);
  }

  /** What was under way on a link that is cut takes no time any more. */
  cleared(): void {
    this.#busyUntilNs = { up: 0, down: 0 };
  }
}
