import { ID_HEX_DIGITS, IDENTITY, REMARK, RSSI_DBM, TAG } from './registers.js';

export type Line =
  | { readonly kind: 'tag'; readonly tag: string; readonly rssiDbm: number }
  | { readonly kind: 'identity'; readonly model: string; readonly firmware: string }
  | { readonly kind: 'remark' };

/** One line without its end. Undefined where it is none of ours or the checksum is wrong. Takes any bytes and never throws. */
export function parseLine(bytes: Uint8Array): Line | undefined {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  if (text === '' || text.startsWith(REMARK)) return { kind: 'remark' };
  const match = /^([^*]+)\*([0-9A-Fa-f]{2})$/.exec(text);
  if (!match || checksum(match[1]!) !== Number.parseInt(match[2]!, 16)) return undefined;
  const [kind, first = '', second = '', ...rest] = match[1]!.split(',');
  if (rest.length > 0) return undefined;
  if (kind === TAG) return parseTag(first, second);
  return kind === IDENTITY ? parseIdentity(first, second) : undefined;
}

/** XOR of all characters. */
export function checksum(text: string): number {
  let sum = 0;
  for (const char of text) sum ^= char.charCodeAt(0);
  return sum;
}

function parseTag(id: string, rssi: string): Line | undefined {
  const { min, max } = ID_HEX_DIGITS;
  if (!/^(?:[0-9A-Fa-f]{2})+$/.test(id) || id.length < min || id.length > max) return undefined;
  if (!/^-?\d{1,3}$/.test(rssi)) return undefined;
  const rssiDbm = Number(rssi);
  if (rssiDbm < RSSI_DBM.min || rssiDbm > RSSI_DBM.max) return undefined;
  return { kind: 'tag', tag: id.toUpperCase(), rssiDbm };
}

function parseIdentity(model: string, firmware: string): Line | undefined {
  if (!/^[\x20-\x7e]{1,32}$/.test(model) || !/^[\x20-\x7e]{1,32}$/.test(firmware)) return undefined;
  return { kind: 'identity', model, firmware };
}
