/** A plain second implementation of NMEA framing for tests: whole bytes in, frames with a right checksum out. */
export function cutNmea(bytes: Uint8Array): { frames: Uint8Array[]; badChecksum: number } {
  const text = Buffer.from(bytes).toString('latin1');
  const frames: Uint8Array[] = [];
  let badChecksum = 0;
  for (const match of text.matchAll(/\$([^$!*\r\n]{1,251})\*([0-9A-Fa-f]{2})/g)) {
    if (checksum(match[1]!) === Number.parseInt(match[2]!, 16)) frames.push(Buffer.from(match[0], 'latin1'));
    else badChecksum++;
  }
  return { frames, badChecksum };
}

/** XOR of all characters between `$` and `*` (NMEA 0183 §5.3.2.1). */
export function checksum(body: string): number {
  let sum = 0;
  for (const char of body) sum ^= char.charCodeAt(0);
  return sum;
}

/** A frame of a body, checksum added. */
export function frame(body: string): Uint8Array {
  return Buffer.from(`$${body}*${checksum(body).toString(16).toUpperCase().padStart(2, '0')}`, 'latin1');
}
