/**
 * What a receiver at one rate makes of bytes sent at another, as 8N1 has it: the line rests high; a byte is a low start bit, eight data bits, the lowest
 * first, and a high stop bit. The receiver takes a falling edge for a start bit, looks in the middle of each of its own bits, and at the stop bit: a byte
 * that has none there is dropped (termios: IGNPAR), unless all of it was low, which is a break and read as 0.
 */
export function asHeardAt(sent: Uint8Array, fromBaud: number, atBaud: number): Uint8Array {
  const bits = [1, ...[...sent].flatMap(bitsOf), 1];
  /** Of the receiver's bits, in those of the sender. */
  const bit = fromBaud / atBaud;
  const levelAt = (time: number) => bits[Math.floor(time)] ?? 1;
  const heard: number[] = [];
  for (let edge = fallingEdge(bits, 0); edge !== undefined; ) {
    if (levelAt(edge + bit / 2) === 1) {
      edge = fallingEdge(bits, edge + bit / 2); // too short for a start bit
      continue;
    }
    const start = edge;
    const data = Array.from({ length: 8 }, (_, i) => levelAt(start + bit * (1.5 + i)));
    const byte = data.reduce((value, level, i) => value | (level << i), 0);
    const stop = levelAt(start + bit * 9.5);
    if (stop === 1 || byte === 0) heard.push(byte);
    edge = fallingEdge(bits, start + bit * 9.5);
  }
  return Uint8Array.from(heard);
}

function bitsOf(byte: number): readonly number[] {
  return [0, ...Array.from({ length: 8 }, (_, i) => (byte >> i) & 1), 1];
}

/** The first moment after `from` at which the line goes low. */
function fallingEdge(bits: readonly number[], from: number): number | undefined {
  for (let i = Math.max(1, Math.ceil(from)); i < bits.length; i++) {
    if (bits[i] === 0 && bits[i - 1] === 1) return i;
  }
  return undefined;
}
