/** A file of an archive. */
export interface TarFile {
  /** 1 to 100 bytes, without a leading slash. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

const BLOCK = 512;
const NAME_MAX_BYTES = 100;
/** Where each field begins (POSIX.1-2017, pax, "ustar Interchange Format"). */
const FIELD = {
  name: 0,
  mode: 100,
  uid: 108,
  gid: 116,
  size: 124,
  mtime: 136,
  sum: 148,
  type: 156,
  magic: 257,
};

/** A ustar archive of plain files (POSIX.1-2017, pax): any tar reads it. `timeS`: seconds since 1970, of all. Throws for a name that doesn't fit. */
export function tarOf(files: readonly TarFile[], timeS: number): Buffer {
  const parts = files.flatMap(({ name, bytes }) => [
    headerOf(name, bytes.length, timeS),
    bytes,
    Buffer.alloc(-bytes.length & (BLOCK - 1)),
  ]);
  // Two empty blocks are the end.
  return Buffer.concat([...parts, Buffer.alloc(2 * BLOCK)]);
}

function headerOf(name: string, size: number, timeS: number): Buffer {
  if (name === '' || Buffer.byteLength(name) > NAME_MAX_BYTES)
    throw new Error(`${name}: a name in the archive has 1 to ${NAME_MAX_BYTES} bytes`);
  const header = Buffer.alloc(BLOCK);
  const octal = (at: number, width: number, value: number) =>
    header.write(
      `${Math.floor(value)
        .toString(8)
        .padStart(width - 1, '0')}\0`,
      at,
    );
  header.write(name, FIELD.name);
  octal(FIELD.mode, 8, 0o640);
  octal(FIELD.uid, 8, 0);
  octal(FIELD.gid, 8, 0);
  octal(FIELD.size, 12, size);
  octal(FIELD.mtime, 12, Math.max(0, timeS));
  header.write('0', FIELD.type);
  header.write('ustar\x0000', FIELD.magic);
  // The sum is over the header with its own field as spaces.
  header.fill(' ', FIELD.sum, FIELD.type);
  const sum = header.reduce((total, byte) => total + byte, 0);
  header.write(`${sum.toString(8).padStart(6, '0')}\0 `, FIELD.sum);
  return header;
}
