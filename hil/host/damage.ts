import { seeded } from '../random.js';

export interface Damaged {
  readonly bytes: Uint8Array;
  readonly flips: number;
  readonly drops: number;
  readonly inserts: number;
}

/** What happens to the bytes on their way along a line. */
export interface Wire {
  readonly damage?:
    | { readonly how: 'each' | 'single'; readonly probability: number; readonly seed: number }
    | undefined;
  readonly baud?: { readonly said: number; readonly heard: number } | undefined;
}

/** What comes out of a wire, and how often it hit. */
export function through(
  bytes: Uint8Array,
  wire: Wire,
): { readonly bytes: Uint8Array; readonly hits: number } {
  const { damage: noise, baud } = wire;
  const hit = noise && damage(bytes, noise.how, noise.probability, seeded(noise.seed));
  const out = hit ? hit.bytes : bytes;
  return {
    bytes: baud ? heardAtBaud(out, baud.said, baud.heard) : out,
    hits: hit ? hit.flips + hit.drops + hit.inserts : 0,
  };
}

const LF = 0x0a;

/**
 * Noise on a line. `each`: every byte by itself is hit with the probability. `single`: every line (up to LF) is hit with it, once, at one of
 * its bytes. A hit flips one bit, drops the byte, or inserts a byte before it, a third each.
 */
export function damage(
  bytes: Uint8Array,
  how: 'each' | 'single',
  probability: number,
  random: () => number,
): Damaged {
  const isHit = how === 'each' ? () => random() < probability : singleHits(bytes, probability, random);
  const out: number[] = [];
  const count = { flips: 0, drops: 0, inserts: 0 };
  for (const [at, byte] of bytes.entries()) {
    if (!isHit(at)) {
      out.push(byte);
      continue;
    }
    const kind = random() * 3;
    if (kind < 1) {
      out.push(byte ^ (1 << Math.floor(random() * 8)));
      count.flips++;
    } else if (kind < 2) {
      count.drops++;
    } else {
      out.push(Math.floor(random() * 256), byte);
      count.inserts++;
    }
  }
  return { bytes: Uint8Array.from(out), ...count };
}

function singleHits(bytes: Uint8Array, probability: number, random: () => number): (at: number) => boolean {
  const hits = new Set<number>();
  for (let from = 0; from < bytes.length; ) {
    const end = bytes.indexOf(LF, from);
    const length = (end < 0 ? bytes.length : end + 1) - from;
    if (random() < probability) hits.add(from + Math.floor(random() * length));
    from += length;
  }
  return (at) => hits.has(at);
}

/**
 * What a UART set to `heardBaud` makes of 8N1 bytes sent back to back at `saidBaud`: it takes the line's level in the middle of each of
 * its own bits after a falling edge. A byte whose stop bit reads low is handed over all the same, as Linux does without INPCK.
 */
export function heardAtBaud(bytes: Uint8Array, saidBaud: number, heardBaud: number): Uint8Array {
  if (saidBaud === heardBaud) return bytes;
  const bits = bytes.length * 10;
  const levelAt = (bitTime: number): 0 | 1 => {
    const bit = Math.floor(bitTime);
    if (bit < 0 || bit >= bits) return 1;
    const place = bit % 10;
    if (place === 0) return 0;
    if (place === 9) return 1;
    return ((bytes[(bit - place) / 10]! >> (place - 1)) & 1) as 0 | 1;
  };
  const step = saidBaud / heardBaud;
  const out: number[] = [];
  for (let time = 0; ; ) {
    while (time < bits && levelAt(time) === 1) time = Math.floor(time) + 1; // its edges lie on the sender's bit times
    if (time >= bits) return Uint8Array.from(out);
    let byte = 0;
    for (let bit = 0; bit < 8; bit++) byte |= levelAt(time + (1.5 + bit) * step) << bit;
    out.push(byte);
    time += 9.5 * step; // the middle of the stop bit
    if (levelAt(time) === 1) continue;
    // A low stop bit is taken for the next start bit (TI PC16550D, line status register, FE), but a break lasts until the line is idle.
    if (byte !== 0) time -= 0.5 * step;
    else while (levelAt(time) === 0) time = Math.floor(time) + 1;
  }
}
