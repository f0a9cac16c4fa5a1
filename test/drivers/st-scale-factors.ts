import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { REAL_DATA } from './twin-bus.js';

export const ST_SCALE_FACTORS = 'vectors/st_scale_factors.txt';

/**
 * What ST's own driver multiplies (or divides) a count by, from the text of its functions: `lsm6dso_from_fs2_to_mg` and what it
 * returns. Throws where there is no such function.
 */
export function stFactor(name: string): number {
  const lines = readFileSync(join(REAL_DATA, ST_SCALE_FACTORS), 'utf8').split('\n');
  const line = lines.find((text) => text.startsWith(`${name}\t`));
  const match = /lsb\)?\s*([*/])\s*([\d.]+)f/.exec(line ?? '');
  if (!match) throw new Error(`${ST_SCALE_FACTORS} has no factor for ${name}`);
  return match[1] === '*' ? Number(match[2]) : 1 / Number(match[2]);
}
