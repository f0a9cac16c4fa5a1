import { type Span, total, uncovered } from '../../hil/power/numbers.js';
import { native } from '../../native/index.js';
import { openStore, type Store, storeDefaults, verifyStore } from '../../runtime/store/index.js';
import { type Gap, LOG_CLASSES } from '../../wire/index.js';
import { decodeMeta } from '../../wire/meta.js';
import { crashOptions } from './options.js';
import type { Promised } from './promise.js';
import { declareAll, isRow, nextOf, rowsFrom, STREAMS } from './rows.js';

const ROWS_AFTER = 3;
/** Large enough that the opened store throws nothing out. */
const ROOMY_BYTES = 32 * 1024 * 1024;
/** The store's own doing before the cut: rows that it threw out for want of room. */
const ALLOWED: readonly Gap['cause'][] = ['quota'];

export interface Finding {
  /** What is wrong, for people; empty when nothing is. */
  readonly problems: readonly string[];
  /** Rows that had got numbers and were not promised, and are gone. */
  readonly unpromisedLost: number;
  /** The database had to be put aside, repaired or made anew. */
  readonly replaced: boolean;
}

interface StreamContent {
  readonly stored: Span[];
  readonly gaps: Gap[];
}

/** Opens the store at `path` as the next start would, lets it go on, closes it, and looks at every row and number. Changes it. */
export async function judgeStore(path: string, promised: Promised): Promise<Finding> {
  const problems: string[] = [];
  let replaced = false;
  const deps = storeDefaults((level, text) => {
    if (/the database is damaged|put aside as/.test(text)) replaced = true;
    else if (level === 'error') problems.push(`log: ${text}`);
  });
  let store: Store;
  try {
    store = await openStore(
      crashOptions(path, { bootId: 'after-the-cut', sizeBytes: ROOMY_BYTES, reserveAheadMs: 1000, deps }),
    );
  } catch (error) {
    return { problems: [`it does not open: ${(error as Error).message}`], unpromisedLost: 0, replaced };
  }
  declareAll(store);
  for (const { name } of STREAMS) {
    const next = nextOf(store, name);
    const given = promised.of(name).given.at(-1)?.[1] ?? 0;
    if (next < given)
      problems.push(`${name}: numbers ${next} to ${given - 1} were given and are given again`);
    store.append(rowsFrom(name, next, ROWS_AFTER));
  }
  await store.flush();
  const contents = await contentsOf(store, problems);
  let unpromisedLost = 0;
  for (const { name } of STREAMS) {
    unpromisedLost += judgeStream(name, contents, promised, { next: nextOf(store, name), problems });
  }
  await store.close();
  const verdict = await verifyStore(path, deps);
  problems.push(...verdict.problems);
  if (!verdict.cleanStop) problems.push('it did not stop cleanly');
  if (promised.epoch && promised.epoch !== store.epoch)
    problems.push(`epoch ${store.epoch}, not ${promised.epoch}`);
  return { problems, unpromisedLost, replaced };
}

/** Every row and gap that the store tells of, with what is wrong with the rows. */
async function contentsOf(store: Store, problems: string[]): Promise<ReadonlyMap<string, StreamContent>> {
  const contents = new Map<string, StreamContent>(
    STREAMS.map(({ name }) => [name, { stored: [], gaps: [] }]),
  );
  const gaps = [...store.openGaps()];
  for (const name of LOG_CLASSES) {
    for (const { bytes } of await store.read(name, undefined, 1e6, 1e9)) {
      const block = native.decodeBlock(bytes);
      const { stream, first, count, epoch } = block.header;
      if (epoch !== store.epoch) problems.push(`${stream}: rows of epoch ${epoch}, it is ${store.epoch}`);
      if (name === 'meta') gaps.push(...gapsIn(block.texts ?? []));
      else contents.get(stream)?.stored.push([first, first + count]);
      for (let row = 0; name !== 'meta' && row < count; row += 1) {
        if (!isRow(stream, first + row, block, row))
          problems.push(`${stream}: ${first + row} is not what was appended`);
      }
    }
  }
  for (const gap of gaps) contents.get(gap.stream)?.gaps.push(gap);
  return contents;
}

function gapsIn(texts: readonly (string | Uint8Array | undefined)[]): readonly Gap[] {
  return texts.flatMap((text) => {
    const record = decodeMeta(text as Uint8Array);
    return record.kind === 'gap' ? [record.value] : [];
  });
}

interface After {
  /** Of the stream, when it has gone on. */
  readonly next: number;
  readonly problems: string[];
}

/** Returns how many rows that had numbers and no promise are gone. */
function judgeStream(
  name: string,
  contents: ReadonlyMap<string, StreamContent>,
  promised: Promised,
  { next, problems }: After,
): number {
  const { stored, gaps } = contents.get(name)!;
  const its = promised.of(name);
  const thrownOut = gaps.filter(({ cause }) => ALLOWED.includes(cause)).map(spanOf);
  for (const committed of its.committed) {
    const lost = uncovered(committed, [...stored, ...its.freed, ...thrownOut]);
    if (lost.length > 0) problems.push(`${name}: promised and lost: ${textOf(lost)}`);
  }
  const nowhere = uncovered([0, next], [...stored, ...its.freed, ...gaps.map(spanOf)]);
  if (nowhere.length > 0) problems.push(`${name}: accounted for by nothing: ${textOf(nowhere)}`);
  const sorted = stored.toSorted((x, y) => x[0] - y[0]);
  for (const [at, [from]] of sorted.entries()) {
    if (at > 0 && from < sorted[at - 1]![1]) problems.push(`${name}: ${from} is stored twice`);
  }
  for (const gap of gaps.filter(({ cause }) => cause === 'uncleanStop')) {
    const inGap = stored.filter(([from, to]) => from <= gap.last! && to > gap.first);
    if (inGap.length > 0)
      problems.push(`${name}: rows ${textOf(inGap)} lie in the gap ${textOf([spanOf(gap)])}`);
  }
  return total(its.given.flatMap((span) => uncovered(span, [...stored, ...its.freed, ...thrownOut])));
}

function spanOf({ first, last }: Gap): Span {
  return [first, (last ?? first) + 1];
}

function textOf(spans: readonly Span[]): string {
  return spans.map(([from, to]) => `${from} to ${to - 1}`).join(', ');
}
