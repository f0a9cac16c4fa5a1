import type { CutFinding } from './checker.js';

/** What a report says of many cuts. */
export interface Figures {
  readonly cuts: number;
  readonly opened: number;
  /** Cuts behind at least one promise. */
  readonly promised: number;
  /** Cuts where sectors survived that were never flushed, and how many these were. */
  readonly torn: number;
  readonly keptSectors: number;
  /** Cuts that lost promised rows, and how many rows. */
  readonly losing: number;
  readonly lostRows: number;
  readonly holes: number;
  readonly reused: number;
  /** File systems that their journal alone did not make whole. */
  readonly repaired: number;
}

export interface Tally {
  readonly figures: Figures;
  /** What must not be, a line a cut. */
  readonly bad: readonly string[];
}

export function tally(found: readonly CutFinding[]): Tally {
  const count = (is: (one: CutFinding) => boolean): number => found.filter(is).length;
  const sum = (of: (one: CutFinding) => number): number => found.reduce((all, one) => all + of(one), 0);
  const figures = {
    cuts: found.length,
    opened: count(({ opened }) => opened),
    promised: count(({ promised }) => promised),
    torn: count(({ keptSectors }) => keptSectors > 0),
    keptSectors: sum(({ keptSectors }) => keptSectors),
    losing: count(({ lost }) => lost > 0),
    lostRows: sum(({ lost }) => lost),
    holes: sum(({ holes }) => holes),
    reused: sum(({ reused }) => reused),
    repaired: count(({ repaired }) => repaired),
  };
  const isBad = ({ opened, lost, holes, reused }: CutFinding): boolean =>
    !opened || lost > 0 || holes > 0 || reused > 0;
  return { figures, bad: found.filter(isBad).map(lineOf) };
}

function lineOf({ cut, keptSectors, unflushedSectors, problems }: CutFinding): string {
  const where = `cut ${cut.index} after ${cut.entries} writes, ${keptSectors} of ${unflushedSectors} unflushed sectors kept`;
  return `${where}: ${problems.join('; ')}`;
}
