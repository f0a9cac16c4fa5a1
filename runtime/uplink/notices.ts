import type { Channel, Rows } from '../../drivers/contract/index.js';
import { type NodeId, noticeTopic, senmlPack } from '../../wire/index.js';
import type { MqttMessage } from './mqtt-port.js';

/** So many wait for a link, the newest: each is an alarm, and has been shown to the first that came too late for it. */
const MAX_NOTICES = 16;
/** A broker that refuses one is asked again after this. */
export const AGAIN_MS = 30_000;

/** Rows that the disk should have taken and has not. */
export interface Unkept {
  readonly rows: Rows;
  readonly channels: readonly Channel[];
  /** Whether the disk has them, or has said what became of them, by now. */
  readonly isKept: () => boolean;
  /** Wall time of a row, ns since 1970; `undefined` without an anchor. */
  readonly wallNs: (timeNs: bigint) => bigint | undefined;
}

export interface Notice extends Unkept {
  isUnderWay: boolean;
  notBeforeNs: bigint;
}

/**
 * Alarms that no disk holds, said without a number (docs/wire-format.md §7): what bears one must be synced first, and a card that is dead
 * must not silence an alarm. Nothing is promised of a notice but that it is tried; the row itself goes as ever once the disk takes it.
 */
export class Notices {
  #all: Notice[] = [];

  constructor(
    private readonly node: NodeId,
    private readonly nowNs: () => bigint,
  ) {}

  add(unkept: Unkept): void {
    this.#all = [...this.#all, { ...unkept, isUnderWay: false, notBeforeNs: 0n }].slice(-MAX_NOTICES);
  }

  /** The oldest that may go now, and is begun by that. */
  begin(): Notice | undefined {
    const nowNs = this.nowNs();
    const notice = this.#all.find((one) => !one.isUnderWay && one.notBeforeNs <= nowNs);
    if (notice) notice.isUnderWay = true;
    return notice;
  }

  message({ rows, channels, wallNs }: Notice): MqttMessage {
    const isAnchored = rows.timesNs.every((timeNs) => wallNs(timeNs) !== undefined);
    const pack =
      (isAnchored &&
        senmlPack(this.node, { stream: rows.stream, channels }, rows, {
          kind: 'absolute',
          wallNs: (timeNs) => wallNs(timeNs)!,
        })) ||
      senmlPack(this.node, { stream: rows.stream, channels }, rows, {
        kind: 'relative',
        nowNs: this.nowNs(),
      });
    const payload = new TextEncoder().encode(JSON.stringify(pack));
    return { topic: noticeTopic(this.node, rows.stream), payload, retain: false };
  }

  taken(notice: Notice): void {
    this.#all = this.#all.filter((one) => one !== notice);
  }

  refused(notice: Notice): void {
    notice.isUnderWay = false;
    notice.notBeforeNs = this.nowNs() + BigInt(AGAIN_MS) * 1_000_000n;
  }

  /** The link is gone: what was not answered is said again on the next. */
  cut(): void {
    for (const one of this.#all) Object.assign(one, { isUnderWay: false, notBeforeNs: 0n });
  }

  /** The disk has taken alarms: they go with their numbers now. */
  committed(): void {
    this.#all = this.#all.filter(({ isKept }) => !isKept());
  }
}
