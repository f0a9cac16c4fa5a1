import { posix } from 'node:path';
import { HalError } from '../../drivers/contract/index.js';

const ROOTS = ['/sys/', '/proc/'];
const FILES = ['/etc/os-release'];

export const DEFAULT_READ_BYTES = 4096;
export const MAX_READ_BYTES = 65_536;
export const MAX_NAMES = 1024;

/** The path, normalised; HalError `denied` for anything that a part has no business to read. */
export function checkSystemPath(path: string): string {
  const whole = posix.normalize(path);
  if (FILES.includes(whole) || ROOTS.some((root) => `${whole}/`.startsWith(root))) return whole;
  throw new HalError('denied', path, 'only files below /sys and /proc, and /etc/os-release, are read');
}

export function checkReadBytes(path: string, maxBytes: number): number {
  if (Number.isInteger(maxBytes) && maxBytes >= 1 && maxBytes <= MAX_READ_BYTES) return maxBytes;
  throw new HalError('invalid', path, `cannot read ${maxBytes} bytes: 1 to ${MAX_READ_BYTES} are possible`);
}

export function absent(path: string): HalError {
  return new HalError('absent', path, 'there is no such file');
}
