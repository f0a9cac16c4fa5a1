import { QUALITY } from '../../../drivers/contract/index.js';
import { senmlPack } from '../../../wire/index.js';
import type { Reading, Span, Store, StreamSource } from '../../store/types.js';
import { plainValue, timeAnswer } from './nodes.js';

/** Rows that are asked of the database at once; the next ones once these are on their way. */
const ROWS_AT_ONCE = 2_000;
/** Below this a time of SenML is relative to now (RFC 8428, 4.5.3). */
const FIRST_SENML_NS = 2n ** 28n * 1_000_000_000n;

/** RFC 4180: a header, then a line a row. */
export async function* csvOf(store: Store, source: StreamSource, span: Span): AsyncGenerator<string> {
  const { channels } = source;
  yield lineOf(['sequence', 'time', ...channels.map(({ name }) => name), 'quality']);
  for await (const readings of pagesOf(store, source, span)) {
    const lines = readings.map((reading) =>
      lineOf([
        String(reading.sequence),
        timeAnswer(reading.wallNs) ?? '',
        ...channels.map((_, column) => cellOf(plainValue(channels, reading, column))),
        reading.quality ?? '',
      ]),
    );
    yield lines.join('');
  }
}

/** A text that a spreadsheet would take for a formula gets an apostrophe before it (OWASP, CSV Injection); a number is one. */
function cellOf(value: number | string | null): string {
  return typeof value === 'string' && /^[=+\-@\t\r\n]/.test(value) ? `'${value}` : String(value ?? '');
}

function lineOf(fields: readonly string[]): string {
  return `${fields.map((field) => (/[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field)).join(',')}\r\n`;
}

/** One pack; each part of it begins with its own base fields (RFC 8428, 4.1). Rows whose time isn't known, or that SenML can't tell, stay out. */
export async function* senmlOf(store: Store, source: StreamSource, span: Span): AsyncGenerator<string> {
  let before = '[';
  for await (const readings of pagesOf(store, source, span)) {
    const timed = readings.filter(({ wallNs }) => wallNs !== undefined && wallNs >= FIRST_SENML_NS);
    const records = senmlPack(source.node, source, rowsOf(timed, source.channels.length), {
      kind: 'absolute',
      wallNs: (timeNs) => timeNs,
    });
    if (!records || records.length === 0) continue;
    yield before + JSON.stringify(records).slice(1, -1);
    before = ',';
  }
  yield before === '[' ? '[]' : ']';
}

const LETTERS: Readonly<Record<string, number>> = {
  g: QUALITY.good,
  s: QUALITY.suspect,
  t: QUALITY.stale,
  f: QUALITY.fault,
};

function rowsOf(readings: readonly Reading[], columns: number) {
  const each = <T>(pick: (reading: Reading, column: number) => T): T[] =>
    readings.flatMap((reading) => Array.from({ length: columns }, (_, column) => pick(reading, column)));
  return {
    timesNs: BigInt64Array.from(readings, ({ wallNs }) => wallNs!),
    values: Float64Array.from(each(({ values }, column) => values[column] ?? Number.NaN)),
    quality: Uint8Array.from(
      each(({ quality }, column) => LETTERS[quality?.[column] ?? 'g'] ?? QUALITY.fault),
    ),
    texts: each(({ texts }, column) => texts?.[column] ?? undefined),
  };
}

async function* pagesOf(
  store: Store,
  { streamId }: StreamSource,
  span: Span,
): AsyncGenerator<readonly Reading[]> {
  let { fromNs } = span;
  let after: bigint | undefined;
  for (;;) {
    const readings = await store.readings(streamId, { ...span, fromNs }, ROWS_AT_ONCE, after);
    yield readings;
    const last = readings.at(-1);
    if (readings.length < ROWS_AT_ONCE || last?.wallNs === undefined) return;
    fromNs = last.wallNs;
    after = last.sequence;
  }
}
