import { setTimeout as sleep } from 'node:timers/promises';
import { mayPass } from '../db/index.js';
import type { LeasedDelivery, Outbox } from './outbox.js';
import { type Message, type Transport, UndeliverableError } from './transport.js';

const AT_ONCE = 16;
/** How soon a delivery of another process is seen, and a database that is back. */
const POLL_MS = 1_000;
/** A way that comes and goes makes no more than an attempt a minute of it. */
const HASTEN_MS = 60_000;
/** Within the lease; whoever is slower is asked again. */
const SEND_MS = 60_000;

export interface DelivererOptions {
  readonly outbox: Outbox;
  readonly scheme: Transport['scheme'];
  /** Undefined: none is configured. */
  readonly transport: Transport | undefined;
  /** Rejects with DatabaseError where it can't be read now. */
  readonly messageOf: (delivery: LeasedDelivery) => Promise<Omit<Message, 'to'>>;
  readonly nowMs: () => number;
  /** What went wrong, in a line; it is tried again. */
  readonly onFault: (text: string) => void;
}

/** Carries deliveries of one scheme out of the outbox: a mail server that stalls holds up no SMS. Several processes may. */
export class Deliverer {
  readonly #stopping = new AbortController();
  #nudge: () => void = () => undefined;
  #nudged = false;
  #inFlight = new Set<Promise<void>>();
  /** Sent or not, but the database doesn't know yet: nothing is leased meanwhile, or it would be sent again. */
  #unsettled = 0;
  #isReleased = false;
  /** The way is there again: nothing need wait for its next attempt. */
  #isBack = false;
  #hastenedMs = -Infinity;
  #running: Promise<void> | undefined;

  constructor(private readonly options: DelivererOptions) {}

  start(): void {
    this.options.transport?.onBack?.(() => {
      this.#isBack = true;
      this.wake();
    });
    this.#running ??= this.#run();
  }

  /** There may be something to deliver. */
  wake(): void {
    this.#nudged = true;
    this.#nudge();
  }

  /** Resolves when all under way is settled, or left to the next start. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.wake();
    await this.#running;
    await Promise.all(this.#inFlight);
    await this.options.transport?.close?.();
  }

  async #run(): Promise<void> {
    while (!this.#stopping.signal.aborted) {
      this.#nudged = false;
      const begun = await this.#begin().catch((error: Error) => {
        this.options.onFault(`deliveries wait: ${error.message}`);
        return 0;
      });
      if (begun === 0) await this.#pause();
    }
  }

  async #begin(): Promise<number> {
    const room = AT_ONCE - this.#inFlight.size;
    if (room <= 0 || this.#unsettled > 0) return 0;
    await this.#resume();
    const leased = await this.options.outbox.lease(this.options.scheme, room, this.options.nowMs());
    for (const delivery of leased) {
      const work = this.#deliver(delivery).finally(() => {
        this.#inFlight.delete(work);
        this.wake();
      });
      this.#inFlight.add(work);
    }
    return leased.length;
  }

  async #resume(): Promise<void> {
    const { outbox, scheme, nowMs } = this.options;
    if (!this.#isReleased) await outbox.release(scheme, nowMs());
    this.#isReleased = true;
    if (!this.#isBack || performance.now() < this.#hastenedMs + HASTEN_MS) return;
    await outbox.hasten(scheme, nowMs());
    this.#isBack = false;
    this.#hastenedMs = performance.now();
  }

  async #pause(): Promise<void> {
    if (this.#nudged) return;
    const timer = new AbortController();
    const woken = new Promise<void>((resolve) => {
      this.#nudge = resolve;
    });
    await Promise.race([woken, sleep(POLL_MS, undefined, { signal: timer.signal }).catch(() => undefined)]);
    timer.abort();
  }

  async #deliver(delivery: LeasedDelivery): Promise<void> {
    const { outbox, nowMs, onFault } = this.options;
    try {
      await this.#send(delivery);
    } catch (error) {
      const why = (error as Error).message;
      onFault(`delivery to ${delivery.target} (attempt ${delivery.attempts}): ${why}`);
      const isFinal = error instanceof UndeliverableError;
      return this.#settle('not sent', delivery, () => outbox.notSent(delivery, why, nowMs(), isFinal));
    }
    await this.#settle('sent', delivery, () => outbox.sent(delivery, nowMs()));
  }

  async #send(delivery: LeasedDelivery): Promise<void> {
    const { scheme, transport, messageOf } = this.options;
    if (!transport) throw new UndeliverableError(`no way to send "${scheme}:" is configured`);
    const to = delivery.target.slice(scheme.length + 1);
    const done = new AbortController();
    const late = sleep(SEND_MS, undefined, { signal: done.signal }).then(() => {
      throw new Error(`no end within ${SEND_MS / 1_000} s`);
    });
    try {
      await Promise.race([transport.send({ ...(await messageOf(delivery)), to }), late]);
    } finally {
      done.abort();
      late.catch(() => undefined);
    }
  }

  /** Until the database knows. What it refuses for its own sake is left to the end of the lease. */
  async #settle(what: string, { target }: LeasedDelivery, say: () => Promise<void>): Promise<void> {
    this.#unsettled++;
    try {
      while (true) {
        try {
          return await say();
        } catch (error) {
          const why = (error as Error).message;
          this.options.onFault(`${what} to ${target}, and the database doesn't know yet: ${why}`);
          if (this.#stopping.signal.aborted || !mayPass(error)) return;
          await sleep(POLL_MS);
        }
      }
    } finally {
      this.#unsettled--;
    }
  }
}
