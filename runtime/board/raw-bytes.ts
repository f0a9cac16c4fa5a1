import type { Framer } from '../../native/types.js';

export type OnBytes = (bytes: Uint8Array) => void;

/** In the place of a framer: gives the bytes as they come, and cuts nothing. */
export function rawBytes(onBytes: OnBytes): Framer {
  let bytes = 0;
  return {
    push: (chunk) => {
      bytes += chunk.length;
      onBytes(chunk);
      return [];
    },
    reset: () => undefined,
    get counters() {
      return { bytes, frames: 0, badChecksum: 0, tooLong: 0, strayBytes: 0 };
    },
  };
}
