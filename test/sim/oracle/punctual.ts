import { META_STREAM } from '../../../wire/index.js';
import type { World } from '../run/world.js';
import { TAKEN, type Track } from './track.js';

const SETTLED_NS = 120e9;

/** With nothing wrong, an alarm reaches the broker at once, and a live reading a second later, whatever else waits to be sent. */
export class Punctuality {
  /** Grows with all that may make something late. */
  #disturbances = 0;
  #calmSinceNs = Number.POSITIVE_INFINITY;

  constructor(readonly world: World) {}

  /** A fault begins or ends, the node or its link goes or comes. */
  disturbed(): void {
    this.#disturbances += 1;
    this.#calmSinceNs = this.world.kernel.nowNs;
  }

  /** Rows of a live stream were given to the store. */
  given(track: Track, from: number, to: number, isAlarm: boolean): void {
    const { kernel, network, broker, disk, oracle, watch } = this.world;
    const mayGo = (): boolean => isAlarm || watch.budget.isAmple;
    const isCalm = network.isCalm && disk.isCalm && broker.link?.isUp && broker.isUp;
    if (!isCalm || !mayGo() || kernel.nowNs - this.#calmSinceNs < this.#settledNs) return;
    const disturbances = this.#disturbances;
    const boundNs = this.#boundNs(track, from);
    kernel.after(boundNs, () => {
      if (this.#disturbances !== disturbances || !mayGo()) return;
      for (let n = from; n < to; n += 1) {
        if ((track.flags(n) & TAKEN) === 0)
          oracle.fail(
            'late',
            `${track.stream} ${n} has not reached the broker ${(boundNs / 1e9).toFixed(1)} s after it was given`,
          );
      }
    });
  }

  /** What was refused for now, and its descriptors, may wait out the longest back-off. */
  get #settledNs(): number {
    const { faults, uplink } = this.world.scenario;
    const mayBeRefused = faults.some(({ kind }) => kind === 'refusal' || kind === 'noSubscriber');
    return SETTLED_NS + (mayBeRefused ? 1.25e6 * uplink.backoffMaxMs : 0);
  }

  /** A second for the commit, what waits in the link already, and a few turns of the window. */
  #boundNs(track: Track, from: number): number {
    const { network, disk } = this.world;
    const turns = 12 * 2 * network.latencyNs;
    const link = 3 * network.queuedNs('up') + network.airtimeNs(160 * 1024);
    return 6e9 + turns + 40 * disk.syncMs * 1e6 + link + this.#metaNs(track, from);
  }

  /** Without a budget's bytes meta waits for an alarm, and goes before it until its descriptor has gone. */
  #metaNs(track: Track, from: number): number {
    const { network, oracle, watch, scenario } = this.world;
    if (watch.budget.isAmple || this.#isDescribed(track, from)) return 0;
    let blocks = 0;
    for (const { stream, blocks: known, flags } of oracle.tracks) {
      if (stream !== META_STREAM) continue;
      for (const first of known.keys()) if ((flags(first) & TAKEN) === 0) blocks += 1;
    }
    const atOnce = Math.min(scenario.uplink.window, scenario.uplink.receiveMaximum);
    return (blocks / atOnce) * (2 * network.latencyNs + network.airtimeNs(300));
  }

  /** What the broker took goes no more where its word frees a block, and the descriptor went before the stream's first row. */
  #isDescribed({ stream, flags }: Track, from: number): boolean {
    const { uplink, streams } = this.world.scenario;
    const isReshaped = streams.find(({ id }) => id === stream)?.reshapedAtS !== undefined;
    if (uplink.custody === 'fleet' || isReshaped) return false;
    for (let n = from - 1; n >= 0; n -= 1) if ((flags(n) & TAKEN) !== 0) return true;
    return false;
  }
}
