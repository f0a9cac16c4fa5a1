import { EventHeap, type SimEvent } from './heap.js';

/** Taken before anything is forbidden: the kernel's own way to let promises run dry between two events. */
const nextTurn = setImmediate;
/** Node runs the microtasks between two immediates of one turn: so many events share one round of libuv's loop. */
const EVENTS_A_TURN = 64;
/** Time must go on: so many events at one moment are a loop that never rests. */
const EVENTS_A_MOMENT = 20_000;

/** The event loop of a simulation. Time is true time in ns since its beginning: a whole number, exact for 104 days. */
export class Kernel {
  nowNs = 0;
  /** Events run so far. */
  events = 0;
  readonly #heap = new EventHeap();
  #order = 0;
  #atOnce = 0;

  at(atNs: number, run: () => void): SimEvent {
    const event = { atNs: Math.max(atNs, this.nowNs), order: this.#order++, run };
    this.#heap.push(event);
    return event;
  }

  after(ns: number, run: () => void): SimEvent {
    return this.at(this.nowNs + Math.max(0, Math.ceil(ns)), run);
  }

  cancel(event: SimEvent): void {
    event.run = undefined;
  }

  delay(ns: number): Promise<void> {
    return new Promise((resolve) => this.after(ns, resolve));
  }

  /** Runs events, each to the last of its promises, until `isOver`, or nothing is left to do. An event that throws ends it. */
  run(isOver: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      let ended = false;
      const one = (): void => {
        if (ended) return;
        try {
          if (!isOver() && this.#step()) return;
          ended = true;
          resolve();
        } catch (error) {
          ended = true;
          reject(error);
        }
      };
      const turn = (): void => {
        for (let i = 0; i < EVENTS_A_TURN && !ended; i += 1) nextTurn(one);
        if (!ended) nextTurn(turn);
      };
      turn();
    });
  }

  #step(): boolean {
    for (let event = this.#heap.pop(); event; event = this.#heap.pop()) {
      const { run } = event;
      if (!run) continue;
      this.#atOnce = event.atNs === this.nowNs ? this.#atOnce + 1 : 0;
      if (this.#atOnce > EVENTS_A_MOMENT) throw new Error(`${EVENTS_A_MOMENT} events at one moment`);
      this.nowNs = event.atNs;
      this.events += 1;
      run();
      return true;
    }
    return false;
  }
}
