import type { DecodedBlock, DecodedHeader } from '../../native/index.js';
import { type Descriptor, META_STREAM, MetaError, type MetaRecord, type RowTime } from '../../wire/index.js';
import { arrivedBlock, MAX_PAYLOAD_BYTES } from './arrived.js';
import type { EpochLedger } from './epoch-ledger.js';
import { type Fact, Ledger, type SummaryLine, type TakenRecord } from './ledger.js';
import { noticeOf, type ReceivedNotice } from './notice.js';
import type { BlockVerdict } from './stream-ledger.js';

/** A block of readings as it arrived: decoded, first of its identity or in conflict with another. */
export interface ReceivedRows {
  readonly header: DecodedHeader;
  readonly block: DecodedBlock;
  /** Absent while its meta block hasn't come. */
  readonly descriptor: Descriptor | undefined;
  /** The same identity came before with other bytes: keep both. */
  readonly conflict: boolean;
  /** All its numbers came before, so long ago that their bytes can't be compared any more: the same rows, unless it is a conflict. */
  readonly again: boolean;
  /** As known now; asking the receiver again later may say more. */
  timeOf(timeNs: bigint): RowTime;
}

export type TakeResult =
  | { readonly kind: 'rows'; readonly rows: ReceivedRows; readonly facts: readonly Fact[] }
  | {
      readonly kind: 'meta';
      readonly header: DecodedHeader;
      readonly records: readonly MetaRecord[];
      readonly facts: readonly Fact[];
    }
  | { readonly kind: 'notice'; readonly notice: ReceivedNotice; readonly facts: readonly Fact[] }
  | { readonly kind: 'duplicate'; readonly header: DecodedHeader; readonly facts: readonly Fact[] }
  | {
      readonly kind: 'invalid';
      readonly cause: string;
      readonly text: string;
      readonly facts: readonly Fact[];
    };

/** The block that is held for good once the result's facts are on the disk, and whoever took its rows has kept them. */
export function heldBy(result: TakeResult): DecodedHeader | undefined {
  if (result.kind === 'invalid' || result.kind === 'notice') return undefined;
  return result.kind === 'rows' ? result.rows.header : result.header;
}

export interface Receiver {
  /** Never throws; what can't be read is counted by cause. */
  take(topic: string, payload: Uint8Array): TakeResult;
  /** Puts back what a journal kept. */
  restore(facts: Iterable<Fact>): void;
  facts(): Iterable<Fact>;
  summary(): readonly SummaryLine[];
  timeOf(node: string, epoch: string, boot: number, timeNs: bigint): RowTime;
  /** Payloads and meta records that could not be used, by cause. */
  readonly invalid: Readonly<Record<string, number>>;
}

/** Knows only the wire format. Rows are handed out and not kept. */
export function createReceiver(): Receiver {
  return new CoreReceiver();
}

interface TakenMeta {
  readonly records: readonly MetaRecord[];
  readonly facts: readonly Fact[];
  /** Records that found no room. */
  readonly roomless: number;
}

class CoreReceiver implements Receiver {
  readonly #ledger = new Ledger();
  readonly invalid: Record<string, number> = {};

  take(topic: string, payload: Uint8Array): TakeResult {
    if (payload.length > MAX_PAYLOAD_BYTES) return this.#refuse('tooLarge', `${payload.length} bytes`);
    try {
      const notice = noticeOf(topic, payload);
      if (notice) return { kind: 'notice', notice, facts: [] };
      return this.#takeBlock(arrivedBlock(topic, payload).block);
    } catch (error) {
      const kind: unknown = (error as { kind?: unknown }).kind;
      return this.#refuse(typeof kind === 'string' ? kind : 'undecodable', (error as Error).message);
    }
  }

  #takeBlock(block: DecodedBlock): TakeResult {
    const { header } = block;
    const { node, epoch, stream, first, count, crc } = header;
    const last = first + count - 1;
    const ledger = this.#ledger.epoch(node, epoch);
    const lines = ledger?.stream(stream);
    if (!ledger || !lines) return this.#refuse('ledgerFull', `no room for ${node}/${epoch}/${stream}`);
    const verdict = lines.judge(first, last, crc);
    if (verdict === 'ledgerFull') return this.#refuse(verdict, `no room for a range of ${stream}`);
    const isMeta = stream === META_STREAM && verdict !== 'duplicate';
    const meta = isMeta ? this.#takeMeta(ledger, block) : undefined;
    if (meta?.roomless) {
      const text = `no room for ${meta.roomless} of ${count} records of ${stream} ${first} of ${node}/${epoch}`;
      return this.#refuse('ledgerFull', text, meta.facts);
    }
    lines.take(verdict, first, last, crc);
    if (verdict === 'duplicate') return { kind: 'duplicate', header, facts: [] };
    ledger.times.seen(header.boot, block.timesNs.at(-1) ?? 0n);
    const received: Fact = { fact: 'received', node, epoch, stream, first, last, crc };
    // Last the block: a journal that is torn before it has its records once more, not never.
    if (meta) return { kind: 'meta', header, records: meta.records, facts: [...meta.facts, received] };
    return { kind: 'rows', rows: rowsOf(ledger, block, verdict), facts: [received] };
  }

  /** What found room stays; the block as a whole is received only if all of it did, so that its node keeps the rest. */
  #takeMeta(ledger: EpochLedger, block: DecodedBlock): TakenMeta {
    const { node, epoch } = ledger;
    const taken = { records: [] as MetaRecord[], facts: [] as Fact[], roomless: 0 };
    for (const bytes of block.texts ?? []) {
      if (!(bytes instanceof Uint8Array)) continue;
      const one = this.#metaRecord(ledger, bytes);
      if (one?.hasRoom === false) taken.roomless++;
      if (!one?.hasRoom) continue;
      if (one.record) taken.records.push(one.record);
      taken.facts.push({ fact: 'meta', node, epoch, record: Buffer.from(bytes).toString('base64') });
    }
    return taken;
  }

  /** A damaged record costs itself, not its neighbours. */
  #metaRecord(ledger: EpochLedger, bytes: Uint8Array): TakenRecord | undefined {
    try {
      const taken = this.#ledger.meta(ledger, bytes);
      if (taken.unread) this.#count(`meta.${taken.unread}`);
      return taken;
    } catch (error) {
      this.#count(error instanceof MetaError ? `meta.${error.kind}` : 'meta.malformed');
      return undefined;
    }
  }

  #refuse(cause: string, text: string, facts: readonly Fact[] = []): TakeResult {
    this.#count(cause);
    return { kind: 'invalid', cause, text, facts };
  }

  #count(cause: string): void {
    this.invalid[cause] = (this.invalid[cause] ?? 0) + 1;
  }

  restore(facts: Iterable<Fact>): void {
    for (const fact of facts) this.#ledger.apply(fact);
  }

  facts(): Iterable<Fact> {
    return this.#ledger.facts();
  }

  summary(): readonly SummaryLine[] {
    return this.#ledger.summary();
  }

  timeOf(node: string, epoch: string, boot: number, timeNs: bigint): RowTime {
    return this.#ledger.epoch(node, epoch)?.times.at(boot, timeNs) ?? { kind: 'unknown' };
  }
}

function rowsOf(ledger: EpochLedger, block: DecodedBlock, verdict: BlockVerdict): ReceivedRows {
  const { header } = block;
  return {
    header,
    block,
    descriptor: ledger.descriptor(header.stream, header.descriptorVersion),
    conflict: verdict === 'conflict',
    again: verdict === 'again',
    timeOf: (timeNs) => ledger.times.at(header.boot, timeNs),
  };
}
