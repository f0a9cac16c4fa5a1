/**
 * A second decoder of blocks, written from docs/wire-format.md §1 and from nothing else: plain, slow, in BigInt. It is what the
 * C is held against, so it must never be made from the C.
 */
export interface ReferenceBlock {
  readonly byteLength: number;
  readonly node: string;
  readonly epoch: string;
  readonly stream: string;
  readonly first: bigint;
  readonly boot: number;
  readonly descriptorVersion: number;
  readonly timesNs: readonly bigint[];
  /** Column by column: the kind, and each row's value; undefined where absent. Doubles as their bits. */
  readonly columns: readonly { readonly kind: string; readonly cells: readonly Cell[] }[];
  readonly quality: readonly (readonly number[])[];
}

export type Cell = bigint | Uint8Array | undefined;

const KINDS = ['f64', 'decimal', 'int', 'enum', 'utf8', 'bytes'];
const FAULT = 3;

/** §1.3 */
class Cursor {
  #bit = 0;
  constructor(
    readonly view: DataView,
    public at: number,
  ) {}

  byte(): number {
    return this.view.getUint8(this.at++);
  }

  bytes(count: number): Uint8Array {
    const bytes = new Uint8Array(this.view.buffer, this.view.byteOffset + this.at, count);
    this.at += count;
    return bytes;
  }

  varint(): bigint {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }

  signed(): bigint {
    return unzigzag(this.varint());
  }

  bits(count: number): bigint {
    let value = 0n;
    for (let i = 0; i < count; i++) {
      value = (value << 1n) | BigInt((this.view.getUint8(this.at) >> (7 - this.#bit)) & 1);
      this.#bit = (this.#bit + 1) % 8;
      if (this.#bit === 0) this.at++;
    }
    return value;
  }

  endRun(): void {
    while (this.#bit !== 0) if (this.bits(1) !== 0n) throw new Error('a run not filled with zero bits');
  }
}

function unzigzag(u: bigint): bigint {
  return u % 2n === 0n ? u / 2n : -(u + 1n) / 2n;
}

function rice(cursor: Cursor, k: number): bigint {
  let q = 0;
  while (q < 12 && cursor.bits(1) === 1n) q++;
  if (q === 12) return unzigzag(cursor.bits(Number(cursor.bits(6)) + 1));
  return unzigzag((BigInt(q) << BigInt(k)) | cursor.bits(k));
}

/** §1.4 */
function integers(cursor: Cursor, count: number): bigint[] {
  const mode = cursor.byte();
  if (mode === 3) {
    const [g, o] = [cursor.varint(), cursor.signed()];
    return integers(cursor, count).map((y) => BigInt.asIntN(64, o + g * y));
  }
  const [order, k] = [mode & 3, mode >> 2];
  const start = cursor.signed();
  const x = order === 0 ? [] : [start];
  if (order === 2) x.push(start + cursor.signed());
  for (let i = order; i < count; i++) {
    const r = k === 63 ? 0n : rice(cursor, k);
    const predicted = [start, x[i - 1], 2n * (x[i - 1] ?? 0n) - (x[i - 2] ?? 0n)][order]!;
    x.push(BigInt.asIntN(64, predicted + r));
  }
  if (k !== 63) cursor.endRun();
  return x.map((number) => BigInt.asIntN(64, number));
}

/** §1.5 */
function quality(cursor: Cursor, rows: number, columns: number): number[][] {
  const flat: number[] = [];
  if (cursor.byte() === 0) flat.push(...new Array<number>(rows * columns).fill(0));
  while (flat.length < rows * columns) {
    const run = Number(cursor.varint());
    flat.push(...new Array<number>(Math.floor(run / 4) + 1).fill(run % 4));
  }
  return Array.from({ length: columns }, (_, c) => flat.slice(c * rows, (c + 1) * rows));
}

function doubleBits(value: number): bigint {
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  return view.getBigInt64(0);
}

function decimals(numbers: bigint[], scale: number): bigint[] {
  return numbers.map((n) => doubleBits(Number(n) / 10 ** scale));
}

/** §1.7 */
function xor(cursor: Cursor, rows: number): bigint[] {
  const values = [cursor.bits(64)];
  let [z, length] = [0, 0];
  while (values.length < rows) {
    let difference = 0n;
    if (cursor.bits(1) === 1n) {
      if (cursor.bits(1) === 1n) [z, length] = [Number(cursor.bits(5)), Number(cursor.bits(6)) + 1];
      difference = cursor.bits(length) << BigInt(64 - z - length);
    }
    values.push(values.at(-1)! ^ difference);
  }
  cursor.endRun();
  return values;
}

/** §1.8 */
function texts(cursor: Cursor, rows: number): Uint8Array[] {
  const indexes = integers(cursor, rows).map(Number);
  const lengths = integers(cursor, Math.max(...indexes) + 1);
  const distinct = lengths.map((length) => cursor.bytes(Number(length)));
  return indexes.map((index) => distinct[index]!);
}

/** §1.2, §1.6 */
function cells(cursor: Cursor, kind: string, low: number, rows: number): Cell[] {
  if (kind === 'utf8' || kind === 'bytes') return texts(cursor, rows);
  if (kind === 'f64' && low === 15) return xor(cursor, rows);
  if (kind === 'f64' && low === 10) {
    const scale = cursor.byte();
    const bits = decimals(integers(cursor, rows), scale);
    return integers(cursor, rows).map((c, row) => BigInt.asIntN(64, bits[row]! + c));
  }
  const numbers = integers(cursor, rows);
  if (kind === 'f64' && low === 14) return numbers;
  return decimals(numbers, low);
}

/** §1.1. The block at the start of the bytes; its CRC is the caller's to check. */
export function referenceDecode(bytes: Uint8Array): ReferenceBlock {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const hex = (at: number) => Buffer.from(bytes.subarray(at, at + 8)).toString('hex');
  if (Buffer.from(bytes.subarray(0, 4)).toString('latin1') !== 'CRN\u0001') throw new Error('no block');
  const [rows, columns, nameLength] = [view.getUint16(46, true), view.getUint8(48), view.getUint8(49)];
  const cursor = new Cursor(view, 50 + nameLength);
  const columnBytes = [...cursor.bytes(columns)];
  const start = view.getBigInt64(32, true);
  const timesNs = integers(cursor, rows).map((t) => BigInt.asIntN(64, start + t));
  const codes = quality(cursor, rows, columns);
  const decoded = columnBytes.map((byte, c) => {
    const kind = KINDS[byte >> 4]!;
    const column = cells(cursor, kind, byte & 15, rows);
    return { kind, cells: column.map((cell, row) => (codes[c]![row] === FAULT ? undefined : cell)) };
  });
  const byteLength = view.getUint32(4, true);
  if (cursor.at !== byteLength - 4) throw new Error(`columns end at ${cursor.at} of ${byteLength}`);
  return {
    byteLength,
    node: hex(8),
    epoch: hex(16),
    stream: Buffer.from(bytes.subarray(50, 50 + nameLength)).toString('latin1'),
    first: view.getBigUint64(24, true),
    boot: view.getUint32(40, true),
    descriptorVersion: view.getUint16(44, true),
    timesNs,
    columns: decoded,
    quality: codes,
  };
}
