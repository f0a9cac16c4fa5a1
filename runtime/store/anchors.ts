import { type Anchor, decodeMeta, encodeMeta, type RowTime, Times } from '../../wire/index.js';
import { type Crc32c, checkedCrc, withCrc } from './bytes.js';
import { type AnchorId, anchorKey } from './keys.js';
import type { DirtyKeys } from './ledger.js';

/** Boots whose anchors are kept; the oldest go first. A boot's anchors on the disk are its first and its latest. */
const MAX_BOOTS = 1024;

interface BootAnchors {
  readonly first: Anchor;
  latest: Anchor | undefined;
}

/**
 * Anchors by epoch and boot, kept after the fleet has received them: rows of an earlier boot that wait for a link are told with their
 * wall time still. It is a convenience of this node's: the fleet has the meta stream, and losing the table loses no time.
 */
export class AnchorTable {
  /** By `epoch boot`, oldest first. */
  readonly #boots = new Map<string, BootAnchors>();
  readonly #times = new Map<number, Times>();

  constructor(
    private readonly dirty: DirtyKeys,
    private readonly crc32c: Crc32c,
  ) {}

  /** From the disk, in the order of its keys. */
  load(epoch: number, anchor: Anchor): void {
    this.#enter(epoch, anchor);
  }

  /** Goes with the next batch. */
  add(epoch: number, anchor: Anchor): void {
    const slot = this.#enter(epoch, anchor);
    this.#write({ epoch, boot: anchor.boot, slot }, anchor);
    this.#prune();
  }

  timeOf(epoch: number, boot: number, monotonicNs: bigint): RowTime {
    return this.#times.get(epoch)?.at(boot, monotonicNs) ?? { kind: 'unknown' };
  }

  /** Those that are kept: of each boot the first and the latest. */
  *all(): Generator<readonly [epoch: number, anchor: Anchor]> {
    for (const [key, { first, latest }] of this.#boots) {
      const epoch = Number(key.split(' ')[0]);
      yield [epoch, first];
      if (latest) yield [epoch, latest];
    }
  }

  touchAll(): void {
    for (const [key, { first, latest }] of this.#boots) {
      const [epoch, boot] = key.split(' ').map(Number) as [number, number];
      this.#write({ epoch, boot, slot: 0 }, first);
      if (latest) this.#write({ epoch, boot, slot: 1 }, latest);
    }
  }

  #enter(epoch: number, anchor: Anchor): 0 | 1 {
    const times = this.#times.get(epoch) ?? new Times();
    this.#times.set(epoch, times);
    times.anchor(anchor);
    const key = `${epoch} ${anchor.boot}`;
    const known = this.#boots.get(key);
    if (known) known.latest = anchor;
    else this.#boots.set(key, { first: anchor, latest: undefined });
    return known ? 1 : 0;
  }

  #write(id: AnchorId, anchor: Anchor): void {
    this.dirty.put(anchorKey(id), withCrc(encodeMeta({ kind: 'anchor', value: anchor }), this.crc32c));
  }

  #prune(): void {
    for (const key of this.#boots.keys()) {
      if (this.#boots.size <= MAX_BOOTS) return;
      this.#boots.delete(key);
      const [epoch, boot] = key.split(' ').map(Number) as [number, number];
      this.dirty.del(anchorKey({ epoch, boot, slot: 0 }));
      this.dirty.del(anchorKey({ epoch, boot, slot: 1 }));
    }
  }
}

/** `undefined` where it isn't whole. */
export function decodeAnchor(value: Uint8Array, crc32c: Crc32c): Anchor | undefined {
  const checked = checkedCrc(value, crc32c);
  const record = checked && decodeMeta(checked);
  return record?.kind === 'anchor' ? record.value : undefined;
}
