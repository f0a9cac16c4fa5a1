import { type Survey, wiringLine } from '../board/index.js';
import type { RuntimeClock } from '../clock/index.js';
import type { NodeConfig, PartConfig } from '../config/index.js';
import type { PartStatus } from '../sampler/index.js';
import type { SeenRow, SeenRows } from '../seen-rows.js';

/** A part that works and has said nothing by then has nothing to say: a reader without a tag, a button that nobody presses. */
const QUIET_MS = 3_000;
/** One that only starts has so long. */
const WAIT_MS = 10_000;
const STEP_MS = 50;
const NS_PER_MS = 1_000_000n;
/** Values told of a row. */
const TOLD = 3;

export interface TestedParts {
  readonly config: NodeConfig;
  readonly clock: Pick<RuntimeClock, 'nowNs' | 'delay'>;
  readonly seen: SeenRows;
  readonly status: () => readonly PartStatus[];
  readonly sampleNow: (partId: string) => void;
  /** Probes parts on buses, which needn't be lent for it. */
  readonly survey: (parts: readonly PartConfig[]) => Promise<Survey>;
}

export interface TestedPart {
  readonly part: string;
  readonly isOk: boolean;
  /** What it says it is and gave, or what is wrong. */
  readonly found: string;
}

/** Each part probed, sampled, and its values held against its channels' ranges; in the order in which they are done. */
export async function testParts(
  tested: TestedParts,
  say: (result: TestedPart) => void,
  signal: AbortSignal,
): Promise<void> {
  const { parts } = tested.config;
  const shared = parts.filter(({ attachment: { kind } }) => kind === 'i2c' || kind === 'system');
  const probed = tested.survey(shared);
  await Promise.all(
    parts.map(async (part) => {
      const row = await freshRow(part, tested, signal);
      const survey = shared.includes(part) ? await probed : undefined;
      if (!signal.aborted) say({ part: part.id, ...verdict(part, row, tested, survey) });
    }),
  );
}

/** A row of its main stream that was taken from now on; undefined where none came. */
async function freshRow(
  { id }: PartConfig,
  { clock, seen, status, sampleNow }: TestedParts,
  signal: AbortSignal,
): Promise<SeenRow | undefined> {
  const beganNs = clock.nowNs();
  sampleNow(id);
  for (;;) {
    const row = seen.latest().find(({ stream, timeNs }) => stream === id && timeNs >= beganNs);
    if (row?.cells.some(({ quality }) => quality !== 'fault')) return row;
    const state = status().find((part) => part.id === id)?.state;
    const passedMs = Number((clock.nowNs() - beganNs) / NS_PER_MS);
    if (signal.aborted || passedMs >= (state === 'ok' ? QUIET_MS : WAIT_MS)) return undefined;
    await clock.delay(STEP_MS);
  }
}

function verdict(
  { id }: PartConfig,
  row: SeenRow | undefined,
  { status }: TestedParts,
  survey: Survey | undefined,
): Omit<TestedPart, 'part'> {
  const probed = survey?.parts.find((part) => part.id === id);
  const fault = survey?.faults.find(({ parts }) => parts.includes(id));
  if (probed?.error) return { isOk: false, found: fault ? wiringLine(fault) : probed.error.message };
  const who = probed?.identity ? [probed.identity.model] : [];
  if (row) {
    const strange = row.cells.filter(({ quality }) => quality === 'suspect' || quality === 'stale');
    const told = strange.length > 0 ? strange.map(strangeText) : row.cells.slice(0, TOLD).map(cellText);
    return { isOk: strange.length === 0, found: [...who, ...told].join(', ') };
  }
  const now = status().find((part) => part.id === id);
  if (now?.state !== 'ok')
    return { isOk: false, found: now?.lastError ?? `it is ${now?.state ?? 'unknown'}` };
  return { isOk: true, found: [...who, `works, and said nothing for ${QUIET_MS / 1000} s`].join(', ') };
}

type Cell = SeenRow['cells'][number];

function cellText({ channel, value, unit }: Cell): string {
  return `${channel} ${value ?? '-'}${unit && ` ${unit}`}`;
}

function strangeText(cell: Cell): string {
  return `${cellText(cell)}: ${cell.quality === 'stale' ? 'has not moved for 30 samples' : 'not a value that it can have'}`;
}
