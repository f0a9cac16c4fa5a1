import type { FramerCounters, NativeApi } from '../../../native/index.js';

/** Cuts bytes by the C framing, in chunks of `size`; undefined where the add-on isn't built. */
export function frameChunks(
  bytes: Uint8Array,
  size: number,
): { frames: Uint8Array[]; counters: FramerCounters } | undefined {
  if (!native) return undefined;
  const framer = native.createFramer('nmea', 256);
  const frames: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) frames.push(...framer.push(bytes.subarray(at, at + size)));
  return { frames, counters: { ...framer.counters } };
}

const native = await load();

async function load(): Promise<NativeApi | undefined> {
  try {
    const { native } = await import('../../../native/index.js');
    return typeof native.createFramer === 'function' ? native : undefined;
  } catch (error) {
    // Anything but a missing or unloadable add-on is a fault of ours.
    if (error instanceof Error && /No native build|native|\.node/.test(error.message)) return undefined;
    throw error;
  }
}
