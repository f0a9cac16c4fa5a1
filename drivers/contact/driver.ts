import * as v from 'valibot';
import {
  type Driver,
  defineDriver,
  durationMs,
  type Handles,
  type Identity,
  oneRow,
  type Rows,
} from '../contract/index.js';
import { type Change, EdgeRows, PulseCounter } from './conversion.js';
import { FACTS, ROLES, type Role, streamOf } from './registers.js';

const options = v.strictObject({
  role: v.pipe(
    v.optional(v.picklist(ROLES), 'contact'),
    v.description('What hangs on the line; `sos` is class alarm, `counter` counts pulses'),
  ),
  hold: v.pipe(
    v.optional(durationMs(0, 30_000), '0s'),
    v.description('How long the line must stay active before it is told; 0s is at once'),
  ),
});

/** A button, a reed switch, a door, a motion detector, an emergency button, or pulses to be counted. */
export const contact = defineDriver({
  id: 'contact',
  title: 'Contact on a GPIO line: button, reed, motion detector, SOS, pulse counter',
  attachment: 'gpio',
  direction: 'in',
  options,
  interval: { defaultMs: 1000, minMs: 100 },
  create: (handles, { role, hold }) =>
    role === 'counter' ? new Counter(handles) : new Contact(handles, role, hold),
});

/** The line's level is all that there is to ask. */
async function probeLine({ line }: Handles['gpio']): Promise<Identity> {
  const level = await line.read();
  return { model: 'contact', details: { level: level.toString(), edgeTime: line.edgeTime } };
}

class Contact implements Driver {
  readonly streams;
  readonly #handles: Handles['gpio'];
  readonly #role: Exclude<Role, 'counter'>;
  readonly #holdMs: number;
  #rows: EdgeRows | undefined;

  constructor(handles: Handles['gpio'], role: Exclude<Role, 'counter'>, holdMs: number) {
    this.#handles = handles;
    this.#role = role;
    this.#holdMs = holdMs;
    this.streams = [streamOf(role)];
  }

  probe(): Promise<Identity> {
    return probeLine(this.#handles);
  }

  /** Bias and debounce are the line's, set when it was opened. */
  async configure(): Promise<void> {}

  /** Edges tell at once. An emergency button that is pressed when the node starts is told too. */
  async stream(emit: (rows: Rows) => void, onError: (error: Error) => void): Promise<() => Promise<void>> {
    const { line, clock } = this.#handles;
    const level = await line.read();
    const nowNs = clock.nowNs();
    const rows = new EdgeRows(level, nowNs, this.#holdMs);
    this.#rows = rows;
    if (level === 0 && FACTS[this.#role].lasting) {
      emit(row({ timeNs: nowNs, state: 0, edges: 0, edgesLost: 0 }));
    }
    for (const change of rows.settle(nowNs)) emit(row(change));
    // An edge between the reading and the watch is found by `sample`.
    return line.watch((edges) => {
      for (const change of rows.take(edges)) emit(row(change));
    }, onError);
  }

  /** What no edge tells: a hold that is over, the end of a flood, a level that the edges missed. Unwatched, the level as it is. */
  async sample(): Promise<readonly Rows[]> {
    const { line, clock } = this.#handles;
    const level = await line.read();
    const nowNs = clock.nowNs();
    if (!this.#rows) return [row({ timeNs: nowNs, state: level, edges: 0, edgesLost: 0 })];
    this.#rows.compare(level, nowNs);
    return this.#rows.settle(nowNs).map(row);
  }
}

class Counter implements Driver {
  readonly streams = [streamOf('counter')];
  readonly #handles: Handles['gpio'];
  #counter: PulseCounter | undefined;

  constructor(handles: Handles['gpio']) {
    this.#handles = handles;
  }

  probe(): Promise<Identity> {
    return probeLine(this.#handles);
  }

  async configure(): Promise<void> {}

  /** Counts; the rows come with `sample`. */
  async stream(_emit: (rows: Rows) => void, onError: (error: Error) => void): Promise<() => Promise<void>> {
    const counter = new PulseCounter(this.#handles.clock.nowNs());
    this.#counter = counter;
    return this.#handles.line.watch((edges) => counter.take(edges), onError);
  }

  /** Unwatched, nothing was counted: every channel is a fault. */
  async sample(): Promise<readonly Rows[]> {
    const nowNs = this.#handles.clock.nowNs();
    const count = this.#counter?.read(nowNs);
    if (!count) return [oneRow('', nowNs, new Array<undefined>(5).fill(undefined))];
    const { pulses, intervalS, frequencyHz, total, edgesLost } = count;
    return [oneRow('', nowNs, [pulses, intervalS, frequencyHz, total, edgesLost])];
  }
}

function row({ timeNs, state, edges, edgesLost }: Change): Rows {
  return oneRow('', timeNs, [state, edges, edgesLost]);
}
