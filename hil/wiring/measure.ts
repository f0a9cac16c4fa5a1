import type { GpioBias, GpioLine } from '../../drivers/contract/index.js';
import type { Level, Levels, Wire, WiresSeen } from './loops.js';

/** Long for a level to go through a wire; a wire that a rig simulates takes some of it. */
const SETTLE_MS = 150;

/** The lines of a rig, by name. */
export interface WireLines {
  /** What people call the chip or chips. */
  readonly where: string;
  open(name: string, direction: 'in' | 'out', bias: GpioBias): Promise<GpioLine>;
  delay(ms: number): Promise<void>;
}

/**
 * Drives one line at a time and reads the far ends of all wires; every other line is an input meanwhile, so that no two outputs ever meet on a wire
 * that goes elsewhere than it should.
 */
export async function measureWires(wires: readonly Wire[], lines: WireLines): Promise<WiresSeen> {
  const reads = wires.map(({ read }) => read);
  for (const { drive, read } of wires) {
    await readOnce(lines, drive, 'asIs');
    await readOnce(lines, read, 'asIs');
  }
  const levels = new Map<string, Levels>();
  const moved = new Set<string>();
  for (const { drive } of wires) {
    for (const [read, seen] of await driveOne(drive, reads, lines)) {
      levels.set(keyOf(drive, read), seen);
      if (seen.at0 !== seen.at1) moved.add(read);
    }
  }
  const rest = new Map<string, { up: Level; down: Level }>();
  for (const read of reads.filter((name) => !moved.has(name))) {
    const seen = await restOf(lines, read);
    if (seen) rest.set(read, seen);
  }
  return {
    where: lines.where,
    wires,
    levels: (drive, read) => levels.get(keyOf(drive, read))!,
    rest: (read) => rest.get(read),
  };
}

async function driveOne(
  drive: string,
  reads: readonly string[],
  lines: WireLines,
): Promise<ReadonlyMap<string, Levels>> {
  const output = await lines.open(drive, 'out', 'asIs');
  try {
    const at: Level[][] = [];
    for (const level of [0, 1] as const) {
      await output.write(level);
      await lines.delay(SETTLE_MS);
      const found: Level[] = [];
      for (const read of reads) found.push(await readOnce(lines, read, 'asIs'));
      at.push(found);
    }
    return new Map(reads.map((read, i) => [read, { at0: at[0]![i]!, at1: at[1]![i]! }]));
  } finally {
    await output.close();
    await readOnce(lines, drive, 'asIs'); // lets go of the wire
  }
}

/** Undefined where the kernel can set no bias on this line. */
async function restOf(lines: WireLines, read: string): Promise<{ up: Level; down: Level } | undefined> {
  try {
    const up = await readOnce(lines, read, 'pullUp');
    const down = await readOnce(lines, read, 'pullDown');
    await readOnce(lines, read, 'disabled');
    return { up, down };
  } catch (error) {
    if ((error as { kind?: unknown }).kind === 'unsupported') return undefined;
    throw error;
  }
}

async function readOnce(lines: WireLines, name: string, bias: GpioBias): Promise<Level> {
  const line = await lines.open(name, 'in', bias);
  try {
    if (bias !== 'asIs') await lines.delay(SETTLE_MS);
    return await line.read();
  } finally {
    await line.close();
  }
}

function keyOf(drive: string, read: string): string {
  return `${drive}\n${read}`;
}
