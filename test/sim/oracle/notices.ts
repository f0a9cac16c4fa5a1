import type { Rows } from '../../../drivers/contract/index.js';
import { noticeOf } from '../../../fleet/receive/notice.js';
import type { MqttMessage } from '../../../runtime/uplink/index.js';
import type { WorldPart } from '../parts/board.js';
import type { World } from '../run/world.js';
import { STORED } from './track.js';

/** docs/wire-format.md §7: an alarm that no disk holds three seconds after it came is told at once. */
const UNKEPT_NS = 3e9;
/** So long after the disk is well again nothing is left to tell. */
const WELL_NS = 60e9;

/** Alarms while the disk refuses: each is told without a number where there is a way, and none that the disk has taken in time. */
export class NoticeWatch {
  /** Readings of which a notice came, `part/id`. */
  readonly #told = new Set<string>();
  #keptNs = Number.NEGATIVE_INFINITY;
  /** When a fault of the disk ended last. */
  wellSinceNs = Number.NEGATIVE_INFINITY;

  constructor(readonly world: World) {}

  /** The disk has taken alarms. */
  kept(): void {
    this.#keptNs = this.world.kernel.nowNs;
  }

  /** A fault of the disk ended, or a process began. */
  disturbed(): void {
    this.wellSinceNs = this.world.kernel.nowNs;
  }

  /** The disk refuses, or did a moment ago. */
  get mayBeUnkept(): boolean {
    const { disk, kernel } = this.world;
    return !disk.isCalm || kernel.nowNs - this.wellSinceNs <= WELL_NS;
  }

  /** An alarm was read. */
  read({ plan, isPoisoned }: WorldPart, first: number, { timesNs, values, quality }: Rows): void {
    const { kernel, oracle, watch } = this.world;
    if (isPoisoned || values.length !== quality.length) return;
    const readNs = kernel.nowNs;
    const link = watch.punctual.linkSince();
    kernel.after(UNKEPT_NS + this.#boundNs, () => {
      if (this.#keptNs >= readNs || !link.isSame() || !link.isSettledAt(readNs)) return;
      for (let id = first; id < first + timesNs.length; id += 1) {
        if (!this.#told.has(`${plan.id}/${id}`))
          oracle.fail('notice', `alarm ${id} of ${plan.id} is neither on the disk nor told without a number`);
      }
    });
  }

  get #boundNs(): number {
    const { network } = this.world;
    return 5e9 + 24 * network.latencyNs + 3 * network.queuedNs('up') + network.airtimeNs(160 * 1024);
  }

  /** The node sends a notice. */
  sent({ topic, payload }: MqttMessage): void {
    const { oracle, parts } = this.world;
    const notice = noticeOf(topic, payload);
    const part = parts.find(({ plan }) => plan.id === notice?.stream);
    if (part?.plan.class !== 'alarm') oracle.fail('notice', `${topic} is no alarm's`);
    if (part && !this.mayBeUnkept && notice?.records.every(({ n, v }) => n !== 'id' || this.#isKept(part, v)))
      oracle.fail('notice', `${topic} is told without a number, and the disk takes all`);
  }

  #isKept({ plan }: WorldPart, id: number | undefined): boolean {
    for (const track of this.world.oracle.tracks) {
      if (track.stream !== plan.id) continue;
      for (let n = 0; n < track.next; n += 1) {
        const row = track.rowOf(n);
        const width = row ? row.rows.values.length / row.rows.timesNs.length : 0;
        if (row && row.rows.values[row.at * width] === id) return (track.flags(n) & STORED) !== 0;
      }
    }
    return false;
  }

  /** The broker has it. */
  took({ topic, payload }: MqttMessage): void {
    const { stream = '', records = [] } = noticeOf(topic, payload) ?? {};
    for (const { n, v } of records) if (n === 'id') this.#told.add(`${stream}/${v}`);
    this.world.marks.hit('notice');
  }
}
