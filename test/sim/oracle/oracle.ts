import type { Rows } from '../../../drivers/contract/index.js';
import type { TakeResult } from '../../../fleet/receive/index.js';
import { LOG_STREAM } from '../../../runtime/log.js';
import type { Store } from '../../../runtime/store/index.js';
import { type Descriptor, type Gap, type GapCause, META_STREAM } from '../../../wire/index.js';
import type { Boot } from '../machine/machine.js';
import { EarlyRows } from './early.js';
import { copyOf, difference } from './equal.js';
import { causeBit, EXCUSED, RECEIVED, REFUSED, Track } from './track.js';

/** A broken promise. */
export interface Violation {
  /** Which promise: a fixed name. */
  readonly oracle: string;
  readonly text: string;
}

/** A block that came, for the question when it was taken. */
interface Arrival {
  readonly track: Track;
  readonly first: number;
  readonly bootNumber: number;
  readonly timeNs: bigint;
}

/** Whether some of a gap's numbers may never have had a row (docs/store.md); of rot a block says its own, and the audit what may be gone. */
const AT_MOST: Readonly<Partial<Record<GapCause, boolean>>> = {
  uncleanStop: true,
  epochEnd: true,
  quota: false,
  thinned: false,
  overflow: false,
  rejected: false,
};

/** Stands outside the product and knows what went in, what was promised, and what came out. */
export class Oracle {
  violation: Violation | undefined;
  /** Told of rows that were given to the store: numbers [from, to). */
  onGiven: ((track: Track, from: number, to: number) => void) | undefined;
  /** Rows of parts that were given to the store: the node's own log is none of them. */
  readings = 0;
  readonly arrivals: Arrival[] = [];
  /** As `epoch/boot`: an anchor of it has come. */
  readonly anchoredBoots = new Set<string>();
  /** The same: its boot record has come. */
  readonly saidBoots = new Set<string>();
  readonly early = new EarlyRows(this);
  readonly #tracks = new Map<string, Track>();
  #store: Store | undefined;
  #boot: Boot | undefined;
  readonly #began = new Set<Track>();
  readonly #boots = new Map<string, Boot>();
  readonly #descriptors = new Map<string, string>();
  #doubtfulEpoch: string | undefined;
  /** Of each epoch, the machine that it began on. */
  readonly #machines = new Map<string, number>();
  /** Descriptors may be missing at the receiver: a meta row was destroyed or refused. */
  metaMayBeMissing = false;

  fail(oracle: string, text: string): void {
    this.violation ??= { oracle, text };
  }

  get tracks(): Iterable<Track> {
    return this.#tracks.values();
  }

  track(epoch: string, stream: string): Track {
    const key = `${epoch}/${stream}`;
    const known = this.#tracks.get(key);
    if (known) return known;
    const made = new Track(epoch, stream);
    this.#tracks.set(key, made);
    return made;
  }

  /** A process has opened its store. */
  began(store: Store, boot: Boot): void {
    this.#checkMachine(store, boot);
    this.#store = store;
    this.#boot = boot;
    this.#began.clear();
    this.#checkBoot(store, boot);
    for (const { stream, next } of store.streams()) this.#begin(this.track(store.epoch, stream), next);
  }

  /** Two machines may have copies of one card: each begins an epoch of its own. */
  #checkMachine({ epoch }: Store, { machine }: Boot): void {
    const known = this.#machines.get(epoch);
    if (known !== undefined && known !== machine)
      this.fail('epoch', `epoch ${epoch} of machine ${known} goes on in machine ${machine}`);
    this.#machines.set(epoch, machine);
    if (this.#doubtfulEpoch === epoch)
      this.fail('epoch', `a slot of the reserve was damaged, and epoch ${epoch} goes on`);
    this.#doubtfulEpoch = undefined;
  }

  /** Nothing on the medium knows of what was given so far. */
  forgotten(): void {
    this.metaMayBeMissing = true;
    for (const track of this.#tracks.values()) track.mark(0, track.end, EXCUSED);
  }

  /** Limits of the epoch are damaged at rest: how far numbers were given can't be proved. */
  reserveDamaged(epoch: string): void {
    this.#doubtfulEpoch = epoch;
  }

  #checkBoot(store: Store, boot: Boot): void {
    const key = `${store.epoch}/${store.boot}`;
    const known = this.#boots.get(key);
    if (known && known !== boot) this.fail('boots', `boot ${store.boot} is the number of two boots`);
    for (const [other, one] of this.#boots) {
      if (other.startsWith(store.epoch) && one === boot && other !== key)
        this.fail('boots', `one boot has the numbers ${other} and ${key}`);
    }
    this.#boots.set(key, boot);
  }

  #begin(track: Track, next: number): void {
    if (next < track.end)
      this.fail('reuse', `${track.stream} goes on at ${next}, and ${track.end - 1} was given before`);
    this.#began.add(track);
    track.begin(next, this.#store!.boot, this.#boot!);
  }

  /** Rows on their way into the store. */
  appended(rows: Rows): void {
    this.early.taken(rows);
    const track = this.#current(rows.stream);
    if (rows.stream !== LOG_STREAM.name) this.readings += rows.timesNs.length;
    const from = track.next;
    track.append(copyOf(rows));
    // Not one value for each channel: nothing can be made of them.
    if (rows.values.length !== rows.quality.length) track.mark(from, track.next, REFUSED);
    this.onGiven?.(track, from, track.next);
  }

  /** Rows that memory could not hold before the store was open, or that nothing can be made of: they get numbers, and nobody has them. */
  lost(stream: string, rows: number, isPoison: boolean): void {
    this.early.lost(stream, rows);
    const track = this.#current(stream);
    if (isPoison) track.mark(track.next, track.next + rows, REFUSED);
    track.next += rows;
  }

  #current(name: string): Track {
    const store = this.#store!;
    const track = this.track(store.epoch, name);
    if (!this.#began.has(track)) {
      const status = store.streams().find(({ stream }) => stream === name);
      this.#begin(track, status?.next ?? 0);
    }
    return track;
  }

  /** The store has said that it holds what `status().committed` says. */
  acknowledged(store: Store): void {
    for (const { stream, committed, next } of store.streams()) {
      const track = this.track(store.epoch, stream);
      if (committed > track.acknowledgedTo) {
        track.acknowledge(track.acknowledgedTo, committed);
        track.acknowledgedTo = committed;
      }
      track.end = Math.max(track.end, next);
      if (stream === META_STREAM) track.next = next;
    }
  }

  /** The process is gone, and what it had in memory. */
  ended(): void {
    const store = this.#store;
    this.early.ended(store !== undefined);
    if (!store) return;
    for (const { stream, next } of store.streams()) this.track(store.epoch, stream).cut(next);
    this.#store = undefined;
  }

  /** The receiver has judged a message. */
  received(result: TakeResult): void {
    if (result.kind === 'invalid')
      this.fail('invalid', `the receiver refused a message: ${result.cause}: ${result.text}`);
    if (result.kind === 'rows') this.#rowsCame(result);
    if (result.kind === 'meta') this.#metaCame(result);
  }

  #rowsCame({ rows }: Extract<TakeResult, { kind: 'rows' }>): void {
    const { header, block, descriptor, conflict } = rows;
    const { epoch, stream, first, count } = header;
    const track = this.track(epoch, stream);
    const where = `${stream} ${first} to ${first + count - 1} (epoch ${epoch})`;
    if (conflict) this.fail('conflict', `${where} came in two versions`);
    if (!descriptor && !this.metaMayBeMissing) this.fail('metaFirst', `${where} came before its descriptor`);
    if (header.boot !== track.segmentOf(first)?.bootNumber)
      this.fail('boots', `${where} says boot ${header.boot}, not ${track.segmentOf(first)?.bootNumber}`);
    for (let i = 0; i < count; i += 1) {
      const given = track.rowOf(first + i);
      const why = given ? difference(given.rows, given.at, block, i) : 'no such row was given to the store';
      if (why) this.fail('content', `${where}: number ${first + i}: ${why}`);
    }
    track.mark(first, first + count, RECEIVED);
    this.arrivals.push({ track, first, bootNumber: header.boot, timeNs: block.timesNs[0]! });
  }

  #metaCame({ header, records, facts }: Extract<TakeResult, { kind: 'meta' }>): void {
    for (const fact of facts) {
      if (fact.fact === 'received')
        this.track(fact.epoch, META_STREAM).mark(fact.first, fact.last + 1, RECEIVED);
    }
    for (const record of records) {
      if (record.kind === 'gap') this.#gapCame(record.value);
      if (record.kind === 'descriptor') this.#descriptorCame(header.epoch, record.value);
      if (record.kind === 'boot') this.#bootCame(header.epoch, record.value);
      if (record.kind === 'anchor') this.anchoredBoots.add(`${header.epoch}/${record.value.boot}`);
    }
  }

  /** A version has one shape for good: blocks name it by its number. */
  #descriptorCame(epoch: string, descriptor: Descriptor): void {
    const key = `${epoch}/${descriptor.stream}/${descriptor.version}`;
    const said = JSON.stringify(descriptor);
    if ((this.#descriptors.get(key) ?? said) !== said)
      this.fail('descriptor', `version ${descriptor.version} of ${descriptor.stream} has two shapes`);
    this.#descriptors.set(key, said);
  }

  #bootCame(epoch: string, { boot, bootId }: { readonly boot: number; readonly bootId: string }): void {
    const key = `${epoch}/${boot}`;
    this.saidBoots.add(key);
    const known = this.#boots.get(key);
    if (known && known.id !== bootId)
      this.fail('boots', `boot ${key} is told as ${bootId}, and was ${known.id}`);
  }

  #gapCame({ epoch, stream, first, last, cause, atMost }: Gap): void {
    const track = this.track(epoch, stream);
    if (atMost !== (AT_MOST[cause] ?? atMost))
      this.fail('gaps', `a gap ${cause} of ${stream} from ${first} says atMost ${atMost}`);
    if (last === undefined) track.openFrom = Math.min(track.openFrom, first);
    else track.mark(first, last + 1, causeBit(cause));
    // Where a start got no further than its gap, the limit is what was reserved: in an epoch that ended with it nobody says which.
    const isOver = cause === 'uncleanStop' && epoch !== this.#store?.epoch;
    if (last !== undefined && !isOver && last >= Math.max(track.end, track.mostEnd, track.next))
      this.fail(
        'gaps',
        `a gap ${cause} of ${stream} reaches ${last}, and ${track.end - 1} is the last that was given`,
      );
  }

  /** Whether all numbers that are committed now are received, or accounted for. */
  get isDrained(): boolean {
    for (const track of this.#tracks.values()) if (!track.isResolvedTo(this.#endOf(track))) return false;
    return true;
  }

  /** The first that isn't, for people. */
  get unresolved(): string {
    for (const track of this.#tracks.values()) {
      if (!track.isResolvedTo(this.#endOf(track)))
        return `${track.stream} ${track.resolvedTo} of ${this.#endOf(track)} (epoch ${track.epoch}, flags ${track.flags(track.resolvedTo)})`;
    }
    return 'nothing';
  }

  #endOf(track: Track): number {
    return this.#store && track.epoch === this.#store.epoch ? track.acknowledgedTo : track.end;
  }

  /** Whether a row that was given to the store since has come, of any stream of readings that has given one. */
  hasFresh(since: ReadonlyMap<Track, number>): boolean {
    let fresh = since.size === 0;
    for (const track of this.#began) {
      if (track.stream === META_STREAM || track.stream === 'log') continue;
      const from = since.get(track) ?? track.segments.at(-1)!.from;
      for (let n = from; n < track.next && !fresh; n += 1) fresh = (track.flags(n) & RECEIVED) !== 0;
    }
    return fresh;
  }

  /** Numbers of the current epoch that rows will get next, by stream. */
  get nexts(): ReadonlyMap<Track, number> {
    return new Map([...this.#began].map((track) => [track, track.next]));
  }
}
