import { META_STREAM } from '../../../wire/index.js';
import type { World } from '../run/world.js';
import type { Fault, StreamPlan } from '../scenario.js';
import { REFUSED, STORED, TAKEN, type Track } from './track.js';

const SETTLED_NS = 120e9;
/** For what is sent before all else. */
const LINK_SETTLED_NS = 20e9;
const FIRST_LINK_NS = 30e9;
/** Of a row of a few channels in memory, about. */
const ROW_BYTES = 64;
/** docs/config.md, `commit: auto`. */
const AUTO_MOST_MS = 60_000;
const DISK_FAULTS: readonly Fault['kind'][] = ['diskFull', 'diskError', 'readOnly', 'slowDisk'];
/** Of events and live streams. */
const LIVE_MS = 800;
/** What is done at once is done by then. */
const AT_ONCE_MS = 400;
const REFUSALS: readonly Fault['kind'][] = ['refusal', 'noSubscriber'];
/** A wait is spread by a quarter both ways. */
const SPREAD = 1.25;

/** With nothing wrong, an alarm reaches the broker at once, and a live reading a second later, whatever else waits to be sent. */
export class Punctuality {
  /** Grows with all that may make something late. */
  #disturbances = 0;
  #calmSinceNs = Number.POSITIVE_INFINITY;
  /** The same, whatever the broker refused meanwhile. */
  #steadySinceNs = Number.POSITIVE_INFINITY;
  /** The same, whatever the disk does. */
  #linkSinceNs = Number.POSITIVE_INFINITY;
  #linkDisturbances = 0;

  constructor(readonly world: World) {}

  /** A fault begins or ends, the node or its link goes or comes. */
  disturbed(by?: Fault): void {
    // Alarms as such disturb nothing.
    if (by?.kind === 'burst' && by.stream === 'alarm') return;
    this.#disturbances += 1;
    this.#calmSinceNs = this.world.kernel.nowNs;
    if (!by || !REFUSALS.includes(by.kind)) this.#steadySinceNs = this.#calmSinceNs;
    if (by && DISK_FAULTS.includes(by.kind)) this.world.watch.notices.disturbed();
    else this.#linkDisturbed();
  }

  #linkDisturbed(): void {
    this.#linkSinceNs = this.#calmSinceNs;
    this.#linkDisturbances += 1;
  }

  /** The link as it is now: whether it is the same later, and was there and well for long enough. */
  linkSince(): { isSame(): boolean; isSettledAt(atNs: number): boolean } {
    const { network, broker } = this.world;
    const [disturbances, sinceNs] = [this.#linkDisturbances, this.#linkSinceNs];
    const isWell = network.isCalm && broker.isUp && broker.link?.isUp === true && !broker.link.isDeaf;
    return {
      isSame: () => this.#linkDisturbances === disturbances,
      isSettledAt: (atNs) => isWell && atNs - sinceNs >= LINK_SETTLED_NS,
    };
  }

  /** A process runs: where there is a broker to find, it finds it, whatever its disk does. */
  started(): void {
    this.disturbed();
    const { kernel, network, broker, oracle, watch, scenario } = this.world;
    if (!network.isCalm || !broker.isUp || watch.rivalUntilNs > kernel.nowNs) return;
    const { isSame } = this.linkSince();
    const boundNs = FIRST_LINK_NS + 60e6 * scenario.uplink.latencyMs + network.airtimeNs(2400);
    kernel.after(boundNs, () => {
      if (isSame() && !broker.link?.isUp)
        oracle.fail('reconnect', `a process began ${boundNs / 1e9} s ago, and has no link`);
    });
  }

  /** Rows of a live stream were given to the store. */
  given(track: Track, from: number, to: number, isAlarm: boolean): void {
    const { kernel, network, broker, disk, oracle, watch, scenario } = this.world;
    const mayGo = (): boolean => isAlarm || watch.budget.isAmple;
    const isCalm = network.isCalm && disk.isCalm && broker.link?.isUp && broker.isUp;
    if (!isCalm || !mayGo() || !this.#isSettled(isAlarm)) return;
    const disturbances = this.#disturbances;
    const boundNs = this.#boundNs(track, from) + (isAlarm ? SPREAD * 1e6 * scenario.uplink.backoffMinMs : 0);
    kernel.after(boundNs, () => {
      if (this.#disturbances !== disturbances || !mayGo()) return;
      for (let n = from; n < to; n += 1) {
        if ((track.flags(n) & (TAKEN | REFUSED)) === 0)
          oracle.fail(
            'late',
            `${track.stream} ${n} has not reached the broker ${(boundNs / 1e9).toFixed(1)} s after it was given`,
          );
      }
    });
  }

  /** Rows were given to the store: where nothing is wrong they are on the disk once the commit interval is over. */
  kept(track: Track, from: number, to: number, plan: StreamPlan | undefined): void {
    const { kernel, disk, oracle, scenario } = this.world;
    const { syncMs, memoryBytes } = scenario.store;
    const isMuch = bytesOf(track, from, to) > memoryBytes / 4;
    if (isMuch || !disk.isCalm || kernel.nowNs - this.#calmSinceNs < SETTLED_NS) return;
    const disturbances = this.#disturbances;
    const boundNs = 1e6 * (this.#commitsWithinMs(plan) + 10 * syncMs);
    kernel.after(boundNs, () => {
      if (this.#disturbances !== disturbances) return;
      for (let n = from; n < to; n += 1) {
        if ((track.flags(n) & (STORED | REFUSED)) === 0)
          oracle.fail(
            'notKept',
            `${track.stream} ${n} is not on the disk ${boundNs / 1e9} s after it was given`,
          );
      }
    });
  }

  /** Beside the syncs (docs/guarantees.md, What a power cut can cost). */
  #commitsWithinMs(plan: StreamPlan | undefined): number {
    const { commitIntervalMs } = this.world.scenario.store;
    const intervalMs = commitIntervalMs === 'auto' ? AUTO_MOST_MS : commitIntervalMs;
    if (plan?.class === 'alarm') return AT_ONCE_MS;
    if (plan?.class === 'event' || plan?.live) return Math.min(LIVE_MS, intervalMs) + AT_ONCE_MS;
    return 1.05 * intervalMs + 2000;
  }

  /** What was refused for now, and its descriptors, may wait out the longest back-off; a new alarm waits the shortest and no more. */
  #isSettled(isAlarm: boolean): boolean {
    const { scenario, kernel } = this.world;
    if (isAlarm) return kernel.nowNs - this.#steadySinceNs >= SETTLED_NS;
    const mayBeRefused = scenario.faults.some(({ kind }) => REFUSALS.includes(kind));
    const waitsNs = mayBeRefused ? SPREAD * 1e6 * scenario.uplink.backoffMaxMs : 0;
    return kernel.nowNs - this.#calmSinceNs >= SETTLED_NS + waitsNs;
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

function bytesOf(track: Track, from: number, to: number): number {
  let bytes = (to - from) * ROW_BYTES;
  for (let n = from; n < to; n += 1) bytes += track.textBytes(n);
  return bytes;
}
