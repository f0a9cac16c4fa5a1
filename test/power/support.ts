/** Bytes of a write log, after struct log_write_super and struct log_write_entry of the kernel's drivers/md/dm-log-writes.c. */
export interface RawEntry {
  readonly sector: bigint;
  readonly count: bigint;
  readonly flags: bigint;
  readonly data?: Uint8Array;
}

/** Magic 0x6a736677736872, version 1, number of entries (here 0, as stale as QEMU leaves it), sector size 512. */
export const SUPERBLOCK = (() => {
  const bytes = new Uint8Array(512);
  bytes.set([0x72, 0x68, 0x73, 0x77, 0x66, 0x73, 0x6a, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
  bytes.set([0, 2, 0, 0], 24);
  return bytes;
})();

export function logOf(entries: readonly RawEntry[]): Uint8Array {
  const parts = entries.flatMap(({ sector, count, flags, data = new Uint8Array(0) }) => {
    const head = new Uint8Array(512);
    const view = new DataView(head.buffer);
    for (const [i, value] of [sector, count, flags, flags & 8n ? BigInt(data.length) : 0n].entries())
      view.setBigUint64(8 * i, value, true);
    const padded = new Uint8Array(Math.ceil(data.length / 512) * 512);
    padded.set(data);
    return [head, padded];
  });
  return Buffer.concat([SUPERBLOCK, ...parts]);
}

export const FLUSH: RawEntry = { sector: 0n, count: 0n, flags: 1n };

/** One sector full of a letter. */
export function letter(sector: number, text: string, flags = 0n): RawEntry {
  return { sector: BigInt(sector), count: BigInt(text.length), flags, data: lettersOf(text) };
}

/** A sector a letter. */
export function lettersOf(text: string): Uint8Array {
  return Buffer.concat([...text].map((one) => Buffer.alloc(512, one)));
}
