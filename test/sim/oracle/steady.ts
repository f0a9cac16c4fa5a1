import { STORE_PATH } from '../machine/node.js';
import type { World } from '../run/world.js';
import { readReserve } from './reserve.js';

const LOOK_S = 60;
/** What goes through all that waits, and what changes slowly, is looked at each so manieth look. */
const SLOW_LOOKS = 3;
/** The reserve is read at each so manieth look, and when a process ends. */
const RESERVE_LOOKS = 15;
/** The model's sizes of logs and tables are only near LevelDB's; test/store/size holds the real ones to the bound itself. */
const SIZE_TOLERANCE = 1.125;
const MIB = 1024 * 1024;
/** A block, whose rows are taken or left together, and what one sample brings. */
const MEMORY_TOLERANCE_BYTES = 128 * 1024;
/** A part that hangs is given up, and tried again within half a minute, or an interval where that is longer. */
const SILENCE_S = 150;
const MOST_EVENTS = 60_000;
/** A message may stay unanswered longer the larger it is; no living link is slower (runtime/uplink: 100 B/s). */
const SLOWEST_BYTES_PER_S = 100;

/** A node samples, whatever its disk does, within this after its process began: the longest interval of a part, and a slow opening. */
const SAMPLES_WITHIN_NS = 3700e9;

/** What must hold at any time, looked at each minute. */
export class Steady {
  #events = 0;
  #looks = 0;
  /** When something was last wrong with the disk. */
  #unwellNs = 0;
  /** Of this process: since when nothing kept it from sampling. */
  #silentNs = 0;
  /** Since when there was nothing wrong that keeps the link down. */
  #reachableNs = 0;

  constructor(readonly world: World) {}

  start(): void {
    this.world.kernel.after(LOOK_S * 1e9, () => {
      this.look();
      this.start();
    });
  }

  look(): void {
    this.#busy();
    this.#size();
    this.#samples();
    this.#link();
    this.#deadline();
    this.#looks += 1;
    if (this.#looks % SLOW_LOOKS === 0) {
      this.#memory();
      this.#silence();
      const { freed, notices } = this.world.watch;
      freed.look(Math.max(this.#unwellNs, notices.wellSinceNs));
    }
    if (this.#looks % RESERVE_LOOKS === 0) this.#reserve();
  }

  /** A process is about to end. */
  last(): void {
    this.world.watch.budget.ends();
    this.#size();
    this.#reserve();
  }

  /** A part was read. */
  sampled(): void {
    this.#silentNs = this.world.kernel.nowNs;
  }

  #samples(): void {
    const { kernel, life, parts, oracle } = this.world;
    const isSampled = parts.some(({ plan }) => plan.intervalMs !== undefined);
    if (!life || !isSampled || parts.some(({ fault }) => fault)) this.#silentNs = kernel.nowNs;
    if (kernel.nowNs - this.#silentNs > SAMPLES_WITHIN_NS)
      oracle.fail('silent', `no part was read for ${(kernel.nowNs - this.#silentNs) / 1e9} s`);
  }

  #busy(): void {
    const { kernel, oracle } = this.world;
    if (kernel.events - this.#events > MOST_EVENTS)
      oracle.fail('busy', `${kernel.events - this.#events} events in ${LOOK_S} s`);
    this.#events = kernel.events;
  }

  #size(): void {
    const { disk, oracle, scenario } = this.world;
    if (disk.peakBytes > SIZE_TOLERANCE * scenario.store.sizeBytes)
      oracle.fail(
        'size',
        `the store took ${disk.peakBytes} bytes on the disk, and may take ${scenario.store.sizeBytes}`,
      );
  }

  /** A part that is polled says something each interval: its reading, or that there was none. */
  #silence(): void {
    const { kernel, disk, oracle, scenario, running, watch } = this.world;
    // While a disk refuses, a store that isn't open yet holds what was said.
    if (!disk.isCalm) this.#unwellNs = kernel.nowNs;
    if (!running) return;
    for (const { id, intervalMs } of scenario.streams) {
      if (intervalMs === undefined) continue;
      const saidNs = Math.max(watch.runningNs, this.#unwellNs, oracle.track(running.store.epoch, id).givenNs);
      const silentS = (kernel.nowNs - saidNs) / 1e9;
      if (silentS > (2 * intervalMs) / 1000 + SILENCE_S)
        oracle.fail('mute', `${id} has said nothing for ${silentS.toFixed(0)} s`);
    }
  }

  /** Rows that wait for the disk are bounded: byte strings of noise, which nothing makes smaller, say by how much at least. */
  #memory(): void {
    const { oracle, scenario, running } = this.world;
    const blobs = scenario.streams.find(({ shape }) => shape === 'blob');
    if (!blobs || !running) return;
    const { epoch } = running.store;
    const track = oracle.track(epoch, blobs.id);
    const waiting = track.waiting();
    let given = 0;
    for (const one of oracle.tracks) if (one.epoch === epoch) given += one.waiting().length;
    // What was dropped and isn't told yet: the oldest, at most all of them of this stream.
    const dropped = given - running.store.status().pendingRows;
    const bytes = waiting.slice(Math.max(0, dropped)).reduce((sum, n) => sum + track.textBytes(n), 0);
    const inFlight = Math.min(MIB, scenario.store.sizeBytes / 16);
    if (bytes > scenario.store.memoryBytes + inFlight + MEMORY_TOLERANCE_BYTES)
      oracle.fail(
        'memory',
        `${bytes} bytes of ${blobs.id} wait for the disk, and ${scenario.store.memoryBytes} may`,
      );
  }

  /** With nothing wrong, the back-off's ceiling bounds how long the link stays away. */
  #link(): void {
    const { kernel, network, broker, running, oracle, scenario, watch } = this.world;
    const { nowNs } = kernel;
    if (
      !network.isCalm ||
      !broker.isUp ||
      !running?.isOpen() ||
      broker.link?.isUp ||
      watch.rivalUntilNs > nowNs
    )
      this.#reachableNs = nowNs;
    const boundS = 90 + (2.2 * scenario.uplink.backoffMaxMs) / 1000 + (60 * scenario.uplink.latencyMs) / 1000;
    const slowS = network.airtimeNs(2400) / 1e9;
    if (nowNs - this.#reachableNs > (boundS + slowS) * 1e9)
      oracle.fail('reconnect', `the broker can be reached for ${boundS} s, and the link is not up`);
  }

  /** A link on which nothing is answered is given up. */
  #deadline(): void {
    const { kernel, broker, oracle, scenario, watch } = this.world;
    const link = broker.link;
    if (!link?.isUp) return;
    const [oldest] = link.unanswered.values();
    if (!oldest) return;
    const sinceNs = Math.max(oldest.sentNs, watch.lastAnswerNs);
    let bytes = 0;
    for (const { message } of link.unanswered.values()) bytes = Math.max(bytes, message.payload.length);
    const boundS = scenario.uplink.pubackDeadlineMs / 1000 + (bytes + 200) / SLOWEST_BYTES_PER_S + LOOK_S;
    if (kernel.nowNs - sinceNs > boundS * 1e9)
      oracle.fail(
        'deadline',
        `nothing was answered for ${(kernel.nowNs - sinceNs) / 1e9} s, and the link is still held`,
      );
  }

  /** No number at or past its limit is given before a higher limit is durable. */
  #reserve(): void {
    const { disk, running, oracle } = this.world;
    const file = disk.files.get(`${STORE_PATH}/reserve`);
    const found = file && readReserve(file.durable);
    if (!running || !found || found.epoch !== running.store.epoch) return;
    for (const { stream, next } of running.store.streams()) {
      const limit = found.limits.get(stream) ?? 0;
      if (next > limit)
        oracle.fail('limit', `${stream} has given ${next - 1}, and the reserve on the disk ends at ${limit}`);
    }
  }
}
