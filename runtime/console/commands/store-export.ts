import { native } from '../../../native/index.js';
import type { DecodedBlock } from '../../../native/types.js';
import { type Descriptor, META_STREAM, rowCells, senmlPack } from '../../../wire/index.js';
import { type ExportedBlock, exportBlocks } from '../../store/index.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Terminal } from '../command.js';
import { onStore, quietDeps, storePath } from './store.js';

const FORMATS = ['senml', 'csv'];

export const storeExport: Command = {
  name: 'store export',
  summary: 'all rows of a store that no node has open, as SenML lines or CSV',
  usage: '[--format senml|csv] [--config FILE] [--path STORE]',
  examples: [
    'cairn store export --format csv > rows.csv',
    'cairn store export --path /mnt/card/store > rows.jsonl',
  ],
  options: { ...CONFIG_OPTION, path: { type: 'string' }, format: { type: 'string', default: 'senml' } },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const format = String(call.options.format);
    if (!FORMATS.includes(format)) {
      throw new CommandError(EXIT.usage, `no format '${format}'; there are: ${FORMATS.join(', ')}`);
    }
    const exporter = new Exporter(format === 'csv', call.terminal);
    const path = storePath(call);
    await onStore(async () => {
      for await (const block of exportBlocks(path, quietDeps(call.terminal))) {
        exporter.take(native.decodeBlock(block.bytes), block);
      }
    });
    exporter.finish();
    return EXIT.ok;
  },
};

const CSV_HEADER =
  'node,epoch,boot,stream,sequence,boot_time_ns,wall,uncertainty_ms,channel,value,unit,quality';

class Exporter {
  #begun = false;
  #rows = 0;
  #withoutTime = 0;

  constructor(
    private readonly csv: boolean,
    private readonly terminal: Terminal,
  ) {}

  take(block: DecodedBlock, stored: ExportedBlock): void {
    if (block.header.stream === META_STREAM) return;
    if (!stored.descriptor) {
      this.terminal.err(
        `${block.header.stream} #${block.header.first}: its descriptor is lost; decode it with: cairn decode`,
      );
      return;
    }
    this.#head();
    this.#rows += block.timesNs.length;
    if (this.csv) this.#csvRows(block, stored.descriptor, stored.timeOf);
    else this.#senml(block, stored.descriptor, stored.timeOf);
  }

  finish(): void {
    this.#head();
    const dated =
      this.#withoutTime > 0
        ? `, ${this.#withoutTime} of them without a wall time (no anchor of their boot)`
        : '';
    this.terminal.err(`${this.#rows} rows${dated}`);
  }

  /** Not before the store is open: a header alone would look like an empty store. */
  #head(): void {
    if (this.csv && !this.#begun) this.terminal.out(CSV_HEADER);
    this.#begun = true;
  }

  /** Rows that no anchor dates are left out and said so: SenML would have them read as now. */
  #senml(block: DecodedBlock, descriptor: Descriptor, timeOf: ExportedBlock['timeOf']): void {
    const { header } = block;
    const wallNs = (timeNs: bigint): bigint => {
      const time = timeOf(timeNs);
      return time.kind === 'known' ? time.wallNs : 0n;
    };
    const pack = senmlPack(header.node, descriptor, block, { kind: 'absolute', wallNs });
    if (pack) {
      this.terminal.out(JSON.stringify(pack));
      return;
    }
    this.#withoutTime += block.timesNs.length;
    const last = header.first + header.count - 1;
    this.terminal.err(
      `${header.stream} #${header.first} to #${last}: boot ${header.boot} has no anchor; SenML can't tell such times, CSV can`,
    );
  }

  #csvRows(block: DecodedBlock, descriptor: Descriptor, timeOf: ExportedBlock['timeOf']): void {
    const { header } = block;
    for (const [row, timeNs] of block.timesNs.entries()) {
      const time = timeOf(timeNs);
      if (time.kind !== 'known') this.#withoutTime++;
      const wall = time.kind === 'known' ? new Date(Number(time.wallNs / 1_000_000n)).toISOString() : '';
      const unsure = time.kind === 'known' ? (Number(time.uncertaintyNs) / 1e6).toFixed(3) : '';
      const head = [
        header.node,
        header.epoch,
        header.boot,
        header.stream,
        header.first + row,
        timeNs,
        wall,
        unsure,
      ];
      for (const { channel, value, unit, quality } of rowCells(
        block,
        row,
        block.columns.length,
        descriptor.channels,
      )) {
        this.terminal.out([...head, channel, quoted(String(value ?? '')), unit, quality].join(','));
      }
    }
  }
}

/** RFC 4180 §2: a field with a comma, quote or line break is quoted, its quotes doubled. */
function quoted(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
