import { type BootRecord, type Descriptor, encodeMeta, type MetaRecord, Times } from '../../wire/index.js';
import { StreamLedger } from './stream-ledger.js';

const MAX_STREAMS = 256;
const MAX_DESCRIPTORS = 1024;
const MAX_BOOTS = 1024;
const MAX_UNREAD = 1024;

/** All that is known of one epoch of one node. Bounded: what is past a bound isn't taken, and its node keeps it. */
export class EpochLedger {
  readonly streams = new Map<string, StreamLedger>();
  readonly descriptors = new Map<string, Descriptor>();
  readonly boots = new Map<number, BootRecord>();
  readonly times = new Times();
  /** Records of a later version, base64: for a later version of this ledger. */
  readonly #unread = new Map<string, string>();

  constructor(
    readonly node: string,
    readonly epoch: string,
  ) {}

  stream(name: string): StreamLedger | undefined {
    const known = this.streams.get(name);
    if (known || this.streams.size >= MAX_STREAMS) return known;
    const made = new StreamLedger();
    this.streams.set(name, made);
    return made;
  }

  descriptor(stream: string, version: number): Descriptor | undefined {
    return this.descriptors.get(`${stream}/${version}`);
  }

  /** Keeps a record of a later version. False: it found no room. */
  keep(bytes: Uint8Array): boolean {
    const text = Buffer.from(bytes).toString('base64');
    return put(this.#unread, text, text, MAX_UNREAD);
  }

  /** False: it found no room. */
  apply(record: MetaRecord): boolean {
    switch (record.kind) {
      case 'anchor':
        this.times.anchor(record.value);
        return true;
      case 'gap':
        return this.stream(record.value.stream)?.gap(record.value) ?? false;
      case 'boot':
        this.#boot(record.value);
        return true;
      case 'descriptor': {
        const { stream, version } = record.value;
        return put(this.descriptors, `${stream}/${version}`, record.value, MAX_DESCRIPTORS);
      }
    }
  }

  /** The oldest goes: a node that is switched on ten times a day has as many in months, and times know as many boots. */
  #boot(record: BootRecord): void {
    this.boots.set(record.boot, record);
    if (this.boots.size > MAX_BOOTS) this.boots.delete(Math.min(...this.boots.keys()));
  }

  /** What was taken, as records again, base64; gaps as they stand. */
  records(): readonly string[] {
    const known = this.#known().map((record) => Buffer.from(encodeMeta(record)).toString('base64'));
    return [...known, ...this.#unread.values()];
  }

  #known(): readonly MetaRecord[] {
    return [
      ...[...this.descriptors.values()].map((value) => ({ kind: 'descriptor' as const, value })),
      ...[...this.boots.values()].map((value) => ({ kind: 'boot' as const, value })),
      ...this.times.anchors().map((value) => ({ kind: 'anchor' as const, value })),
      ...[...this.streams].flatMap(([stream, ledger]) => this.#gapsOf(stream, ledger)),
    ];
  }

  #gapsOf(stream: string, ledger: StreamLedger): MetaRecord[] {
    const { epoch } = this;
    const gaps: MetaRecord[] = [...ledger.gaps].flatMap(([cause, ranges]) =>
      ranges.list.map(({ first, last }) => {
        return { kind: 'gap' as const, value: { epoch, stream, first, last, cause, atMost: true } };
      }),
    );
    if (ledger.openFrom === undefined) return gaps;
    const open = {
      epoch,
      stream,
      first: ledger.openFrom,
      last: undefined,
      cause: 'epochEnd',
      atMost: true,
    } as const;
    return [...gaps, { kind: 'gap', value: open }];
  }
}

function put<K, V>(map: Map<K, V>, key: K, value: V, max: number): boolean {
  if (!map.has(key) && map.size >= max) return false;
  map.set(key, value);
  return true;
}
