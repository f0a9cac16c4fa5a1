/** What can be told of a rig's or a node's wiring; docs/wiring.md has a line for each. */
export type WiringFaultKind =
  | 'otherAddress'
  | 'otherPart'
  | 'missing'
  | 'otherBus'
  | 'silentBus'
  | 'stuckBus'
  | 'slowPart'
  | 'noBus'
  | 'heldByKernel'
  | 'swapped'
  | 'elsewhere'
  | 'open'
  | 'stuckLine'
  | 'inverted'
  | 'bridged'
  | 'heldLine'
  | 'noChip'
  | 'noLine'
  | 'otherBaud'
  | 'noFrames'
  | 'silentPort'
  | 'otherDevice'
  | 'noPort'
  | 'noDevice'
  | 'denied'
  | 'passing'
  | 'other';

/** One wrong wiring: what was seen, beside what the configuration says, and what to do about it. */
export interface WiringFault {
  readonly kind: WiringFaultKind;
  /** The parts, or the jumper's lines, that suffer from it. */
  readonly parts: readonly string[];
  /** Bus and address, line or port with its baud; with the pins of the header where the board file has them. */
  readonly where: string;
  readonly expected: string;
  /** Only what was seen. */
  readonly found: string;
  readonly todo: string;
}

/** The fault in one line. */
export function wiringLine({ parts, where, expected, found, todo }: WiringFault): string {
  return `${parts.join(', ')}: ${where}: expected ${expected}; found ${found}; ${todo}`.replace(/\s+/g, ' ');
}

/** What several parts of a bus suffer from is one fault. */
export function mergeFaults(faults: readonly WiringFault[]): readonly WiringFault[] {
  const merged = new Map<string, WiringFault>();
  for (const fault of faults) {
    const key = [fault.kind, fault.where, fault.found, fault.todo].join('\n');
    const known = merged.get(key);
    merged.set(key, known ? joined(known, fault) : fault);
  }
  return [...merged.values()];
}

function joined(a: WiringFault, b: WiringFault): WiringFault {
  const expected = a.expected.split(', ').includes(b.expected) ? a.expected : `${a.expected}, ${b.expected}`;
  return { ...a, parts: [...a.parts, ...b.parts], expected };
}

/** `pin 11`, `pins 3 and 5`; nothing where the board file names none. */
export function pinsText(pins: readonly number[]): string {
  if (pins.length === 0) return '';
  return pins.length === 1 ? `pin ${pins[0]}` : `pins ${listText(pins.map(String), 'and')}`;
}

/** `0x40, 0x6a and 0x76` */
export function listText(items: readonly string[], word: 'and' | 'or'): string {
  if (items.length < 2) return items.join('');
  return `${items.slice(0, -1).join(', ')} ${word} ${items.at(-1)}`;
}

/** `i2c-1 (pins 3 and 5)`: a name with all that tells more of it, in brackets. */
export function withNotes(name: string, ...notes: readonly string[]): string {
  const told = notes.filter((note) => note !== '');
  return told.length === 0 ? name : `${name} (${told.join(', ')})`;
}
