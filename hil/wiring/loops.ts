import type { WiringFault } from '../../runtime/board/index.js';

/** A wire between two lines: one is driven, the other read. */
export interface Wire {
  readonly drive: string;
  readonly read: string;
}

export type Level = 0 | 1;

/** What a read line was at, while one other line was driven and all else let go. */
export interface Levels {
  readonly at0: Level;
  readonly at1: Level;
}

/** All that was seen of a rig's wires. */
export interface WiresSeen {
  /** Where the lines are: a chip's label. */
  readonly where: string;
  readonly wires: readonly Wire[];
  levels(drive: string, read: string): Levels;
  /** A line that nobody drives, by its bias; undefined where it has none to set. */
  rest(read: string): { readonly up: Level; readonly down: Level } | undefined;
}

/** One fault for each wire that does not do what it should; two that are changed over are one. */
export function judgeWires(seen: WiresSeen): readonly WiringFault[] {
  const faults: WiringFault[] = [];
  const told = new Set<Wire>();
  for (const wire of seen.wires) {
    const fault = told.has(wire) ? undefined : judge(wire, seen, told);
    if (fault) faults.push(fault);
  }
  return faults;
}

function judge(wire: Wire, seen: WiresSeen, told: Set<Wire>): WiringFault | undefined {
  const { drive, read } = wire;
  const own = follows(seen, drive, read);
  const strangers = seen.wires.filter((other) => other !== wire && follows(seen, drive, other.read));
  if (own && strangers.length === 0) return undefined;
  if (own) return bridged(wire, strangers, seen, told);
  if (strangers[0]) return elsewhere(wire, strangers[0], seen, told);
  const { at0, at1 } = seen.levels(drive, read);
  return at0 === at1 ? still(wire, at0, seen) : inverted(wire, seen);
}

function follows(seen: WiresSeen, drive: string, read: string): boolean {
  const { at0, at1 } = seen.levels(drive, read);
  return at0 === 0 && at1 === 1;
}

function bridged(wire: Wire, others: readonly Wire[], seen: WiresSeen, told: Set<Wire>): WiringFault {
  for (const other of others) if (follows(seen, other.drive, wire.read)) told.add(other);
  const reads = [wire, ...others].map(({ read }) => read);
  return fault('bridged', seen, [wire, ...others.filter((other) => told.has(other))], {
    found: `${reads.join(' and ')} following ${wire.drive}`,
    todo: 'look for a bridge between these wires',
  });
}

function elsewhere(wire: Wire, other: Wire, seen: WiresSeen, told: Set<Wire>): WiringFault {
  const arrives = `${other.read} following ${wire.drive}`;
  if (follows(seen, other.drive, wire.read) && !follows(seen, other.drive, other.read)) {
    told.add(other);
    return fault('swapped', seen, [wire, other], {
      found: `${arrives} and ${wire.read} following ${other.drive}`,
      todo: `change the wires at ${wire.read} and ${other.read} over`,
    });
  }
  return fault('elsewhere', seen, [wire], {
    found: `${arrives}`,
    todo: `move the wire's end from ${other.read} to ${wire.read}`,
  });
}

/** It does not move when its wire is driven: an open end goes with its own bias, a short with nothing. */
function still(wire: Wire, level: Level, seen: WiresSeen): WiringFault {
  const { drive, read } = wire;
  const rest = seen.rest(read);
  if (!rest) {
    return fault('open', seen, [wire], {
      found: `${read} at ${level} whatever ${drive} is`,
      todo: 'plug the wire in at both ends, or look for a short',
    });
  }
  if (rest.up === 1 && rest.down === 0) {
    return fault('open', seen, [wire], {
      found: `${read} going with its own pull-up and pull-down only`,
      todo: 'the wire is open: plug it in at both ends',
    });
  }
  return fault('stuckLine', seen, [wire], {
    found: `${read} at ${level} whatever ${drive} is, with its pull-up and with its pull-down`,
    todo: `look for a short to ${level === 0 ? 'ground' : 'the supply'}, for a part that drives it, or, on a chip without biases, for an open wire`,
  });
}

function inverted(wire: Wire, seen: WiresSeen): WiringFault {
  return fault('inverted', seen, [wire], {
    found: `${wire.read} at 1 while ${wire.drive} is at 0, and the other way round`,
    todo: 'take out what inverts it, or write activeLow for the one that is',
  });
}

function fault(
  kind: WiringFault['kind'],
  { where }: WiresSeen,
  wires: readonly Wire[],
  said: Pick<WiringFault, 'found' | 'todo'>,
): WiringFault {
  const expected = wires.map(({ drive, read }) => `${read} following ${drive}`).join(', ');
  return { kind, where, parts: wires.map(({ drive, read }) => `${drive} to ${read}`), expected, ...said };
}
