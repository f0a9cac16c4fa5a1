import { native } from '../../../native/index.js';

const SLOT_BYTES = 16_384;
const MAGIC = 0x31565243;

/** What the reserve says, read as docs/store.md describes it. */
export interface FoundReserve {
  readonly generation: number;
  readonly epoch: string;
  readonly clean: boolean;
  readonly limits: ReadonlyMap<string, number>;
}

/** The whole slot with the higher generation. */
export function readReserve(file: Uint8Array): FoundReserve | undefined {
  const found = [slotOf(file, 0), slotOf(file, SLOT_BYTES)].filter((slot) => slot !== undefined);
  return found.sort((a, b) => b.generation - a.generation)[0];
}

/** The epoch of two whole slots, one of which is damaged now. An old one of another epoch says nothing of this. */
export function reserveEpochOf(
  before: Uint8Array | undefined,
  now: Uint8Array | undefined,
): string | undefined {
  if (!before || !now) return undefined;
  const [known, left] = [before, now].map((file) =>
    [slotOf(file, 0), slotOf(file, SLOT_BYTES)].filter((slot) => slot !== undefined),
  );
  return known!.length === 2 && left!.length < 2 ? readReserve(before)?.epoch : undefined;
}

function slotOf(file: Uint8Array, at: number): FoundReserve | undefined {
  if (file.length < at + 14) return undefined;
  const view = new DataView(file.buffer, file.byteOffset + at, Math.min(SLOT_BYTES, file.length - at));
  if (view.getUint32(0, true) !== MAGIC) return undefined;
  const length = view.getUint32(6, true);
  if (10 + length + 4 > view.byteLength) return undefined;
  const body = file.subarray(at, at + 10 + length);
  if (native.crc32c(body) !== view.getUint32(10 + length, true)) return undefined;
  return bodyOf(view);
}

function bodyOf(view: DataView): FoundReserve {
  let at = 10;
  const u64 = (): number => {
    at += 8;
    return Number(view.getBigUint64(at - 8, true));
  };
  const text = (): string => {
    const length = view.getUint8(at);
    const bytes = new Uint8Array(view.buffer, view.byteOffset + at + 1, length);
    at += 1 + length;
    return new TextDecoder().decode(bytes);
  };
  const generation = u64();
  const epoch = text();
  const clean = view.getUint8(at) === 1;
  const count = view.getUint16(at + 1, true);
  at += 3;
  const limits = new Map<string, number>();
  for (let i = 0; i < count; i += 1) {
    const name = text();
    at += 3;
    limits.set(name, u64());
  }
  return { generation, epoch, clean, limits };
}
