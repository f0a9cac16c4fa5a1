/** Something that happens once at a simulated time, unless it is cancelled before. */
export interface SimEvent {
  readonly atNs: number;
  readonly order: number;
  run: (() => void) | undefined;
}

/** Earliest first; of two at one time, the one that was added first. */
export class EventHeap {
  readonly #events: SimEvent[] = [];

  push(event: SimEvent): void {
    const events = this.#events;
    let at = events.length;
    events.push(event);
    while (at > 0) {
      const parent = (at - 1) >> 1;
      if (!isBefore(event, events[parent]!)) break;
      events[at] = events[parent]!;
      at = parent;
    }
    events[at] = event;
  }

  peek(): SimEvent | undefined {
    return this.#events[0];
  }

  pop(): SimEvent | undefined {
    const events = this.#events;
    const first = events[0];
    const last = events.pop();
    if (first !== undefined && last !== undefined && events.length > 0) this.#sink(last);
    return first;
  }

  #sink(event: SimEvent): void {
    const events = this.#events;
    const size = events.length;
    let at = 0;
    for (let child = 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && isBefore(events[child + 1]!, events[child]!)) child += 1;
      if (!isBefore(events[child]!, event)) break;
      events[at] = events[child]!;
      at = child;
    }
    events[at] = event;
  }
}

function isBefore(one: SimEvent, other: SimEvent): boolean {
  return one.atNs < other.atNs || (one.atNs === other.atNs && one.order < other.order);
}
