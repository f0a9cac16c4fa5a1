import { offsetOf, type Rig } from '../rig.js';
import { SimLine } from './gpio-sim.js';

/** Far below what a suite waits for an edge to settle. */
const INTERVAL_MS = 5;

/** One end of a wire, and the level that it was last seen at. */
interface End {
  readonly line: SimLine;
  seen: 0 | 1;
}

/**
 * Wires between lines that gpio-sim makes, which knows none: what one end changes to, the other is pulled to; a wire that nobody drives is
 * at 0. Returns what cuts the wires.
 */
export function joinSimulated(rig: Rig): () => void {
  const wires = Object.entries(rig.lines ?? {}).flatMap(([name, { jumper }]) =>
    jumper === undefined ? [] : [[endOf(rig, name), endOf(rig, jumper)] as const],
  );
  if (wires.length === 0) return () => undefined;
  const timer = setInterval(() => {
    for (const [a, b] of wires) {
      follow(a, b);
      follow(b, a);
    }
  }, INTERVAL_MS);
  return () => clearInterval(timer);
}

function endOf(rig: Rig, name: string): End {
  const line = new SimLine(rig.lines![name]!.chip, offsetOf(rig, name)!);
  line.drive(0);
  return { line, seen: line.level() };
}

function follow(end: End, other: End): void {
  const level = end.line.level();
  if (level === end.seen) return;
  end.seen = level;
  other.line.drive(level);
  other.seen = other.line.level();
}
