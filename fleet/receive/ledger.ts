import { decodeMeta, MetaError, type MetaErrorKind, type MetaRecord } from '../../wire/index.js';
import { EpochLedger } from './epoch-ledger.js';
import type { StreamLedger, StreamSummary } from './stream-ledger.js';

const MAX_EPOCHS = 4096;
/** What a later version wrote: readers keep it and can't use it. */
const LATER: ReadonlySet<MetaErrorKind> = new Set(['unknownKind', 'unknownValue']);

/** One thing that the ledger learned; the journal keeps these, and reading them back makes the ledger again. */
export type Fact =
  | {
      readonly fact: 'received';
      readonly node: string;
      readonly epoch: string;
      readonly stream: string;
      readonly first: number;
      readonly last: number;
      readonly crc?: number;
    }
  | { readonly fact: 'meta'; readonly node: string; readonly epoch: string; readonly record: string }
  | {
      readonly fact: 'counted';
      readonly node: string;
      readonly epoch: string;
      readonly stream: string;
      readonly blocks: number;
      readonly duplicates: number;
      readonly conflicts: number;
      /** The blocks whose CRC is remembered (StreamLedger.remembered). */
      readonly remembered?: readonly number[];
    };

export interface SummaryLine extends StreamSummary {
  readonly node: string;
  readonly epoch: string;
  readonly stream: string;
}

export interface TakenRecord {
  /** Absent: a later version wrote it, and `unread` says what is unknown about it. */
  readonly record?: MetaRecord;
  readonly unread?: MetaErrorKind;
  readonly hasRoom: boolean;
}

/** The ledger of all nodes: what was received, what is accounted for, what is missing. */
export class Ledger {
  readonly #epochs = new Map<string, EpochLedger>();

  epoch(node: string, epoch: string): EpochLedger | undefined {
    const key = `${node}/${epoch}`;
    const known = this.#epochs.get(key);
    if (known || this.#epochs.size >= MAX_EPOCHS) return known;
    const made = new EpochLedger(node, epoch);
    this.#epochs.set(key, made);
    return made;
  }

  apply(fact: Fact): void {
    const epoch = this.epoch(fact.node, fact.epoch);
    if (!epoch) return;
    if (fact.fact === 'meta') this.meta(epoch, Buffer.from(fact.record, 'base64'));
    else if (fact.fact === 'received') epoch.stream(fact.stream)?.receive(fact.first, fact.last, fact.crc);
    else restoreCounts(epoch.stream(fact.stream), fact);
  }

  /** A record from a meta block of `carrier`. Throws MetaError for what no version writes. */
  meta(carrier: EpochLedger, bytes: Uint8Array): TakenRecord {
    try {
      const record = decodeMeta(bytes);
      // A gap names its own epoch, often an earlier one.
      const owner = record.kind === 'gap' ? this.epoch(carrier.node, record.value.epoch) : carrier;
      return { record, hasRoom: owner?.apply(record) ?? false };
    } catch (error) {
      if (!(error instanceof MetaError) || !LATER.has(error.kind)) throw error;
      return { unread: error.kind, hasRoom: carrier.keep(bytes) };
    }
  }

  /** The fewest facts that make this ledger again. */
  *facts(): Generator<Fact> {
    for (const one of this.#epochs.values()) {
      const key = { node: one.node, epoch: one.epoch };
      for (const record of one.records()) yield { fact: 'meta', ...key, record };
      for (const [stream, ledger] of one.streams) {
        for (const range of ledger.received.list) yield { fact: 'received', ...key, stream, ...range };
        const { blocks, duplicates, conflicts, remembered } = ledger;
        yield { fact: 'counted', ...key, stream, blocks, duplicates, conflicts, remembered };
      }
    }
  }

  summary(): readonly SummaryLine[] {
    return [...this.#epochs.values()].flatMap(({ node, epoch, streams }) =>
      [...streams].map(([stream, ledger]) => ({ node, epoch, stream, ...ledger.summary() })),
    );
  }
}

function restoreCounts(ledger: StreamLedger | undefined, fact: Extract<Fact, { fact: 'counted' }>): void {
  if (!ledger) return;
  ledger.blocks = fact.blocks;
  ledger.duplicates = fact.duplicates;
  ledger.conflicts = fact.conflicts;
  ledger.restoreRemembered(fact.remembered ?? []);
}
