import type { Rows } from '../../../drivers/contract/index.js';
import type { NativeRows } from '../../../native/types.js';

/** Why row `i` of what came isn't row `at` of what was given to the store, bit for bit; undefined where it is. */
export function difference(given: Rows, at: number, came: NativeRows, i: number): string | undefined {
  if (given.timesNs[at] !== came.timesNs[i]) return `time ${came.timesNs[i]}, not ${given.timesNs[at]}`;
  const width = given.values.length / given.timesNs.length;
  for (let c = 0; c < width; c += 1) {
    const [g, r] = [at * width + c, i * width + c];
    if (given.quality[g] !== came.quality[r])
      return `quality ${came.quality[r]}, not ${given.quality[g]} (channel ${c})`;
    const [text, other] = [given.texts?.[g], came.texts?.[r]];
    if (!sameText(text, other)) return `another text in channel ${c}`;
    if (text === undefined && !Object.is(given.values[g], came.values[r]))
      return `${came.values[r]}, not ${given.values[g]} (channel ${c})`;
  }
  return undefined;
}

function sameText(one: string | Uint8Array | undefined, other: string | Uint8Array | undefined): boolean {
  if (one === other) return true;
  return one instanceof Uint8Array && other instanceof Uint8Array && Buffer.compare(one, other) === 0;
}

/** Arrays of its own: whoever got the rows may not change what the oracle knows. */
export function copyOf(rows: Rows): Rows {
  const { stream, texts } = rows;
  const numbers = {
    stream,
    timesNs: rows.timesNs.slice(),
    values: rows.values.slice(),
    quality: rows.quality.slice(),
  };
  return texts ? { ...numbers, texts: [...texts] } : numbers;
}
