import fc from 'fast-check';
import type { ColumnType, NativeRows } from '../../native/index.js';

/** Random blocks for tests: every kind of column, every quality, walks, noise, constants and extremes. */
export interface Case {
  readonly first: number;
  readonly columns: readonly ColumnType[];
  readonly rows: NativeRows;
}

export const HEADER = {
  node: '00112233aabbccdd',
  epoch: 'fedcba9876543210',
  stream: 'bme280-1.env',
  boot: 4_000_000_000,
  descriptorVersion: 65_535,
} as const;

type Cell = number | string | Uint8Array;

const FAULT = 3;
const special = fc.constantFrom(
  0,
  -0,
  1,
  -1,
  5e-324,
  Number.MAX_VALUE,
  Infinity,
  -Infinity,
  0.1,
  1e-9,
  2 ** 53,
);

/** Doubles by their bits: NaN payloads too. */
const anyDouble = fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((bits) => {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, bits);
  return view.getFloat64(0);
});

const whole = fc.oneof(
  fc.integer({ min: -300, max: 300 }),
  fc.maxSafeInteger(),
  fc.constantFrom(2 ** 53 - 1, -(2 ** 53 - 1), 0),
);

const decimal = (scale: number) => whole.map((number) => number / 10 ** scale);

function cellOf(type: ColumnType): fc.Arbitrary<Cell> {
  switch (type.kind) {
    case 'f64':
      return fc.oneof(
        anyDouble,
        special,
        fc.double(),
        fc.integer({ min: -999, max: 999 }).map((n) => n / 100),
      );
    case 'decimal':
      return decimal(type.scale);
    case 'int':
      return whole;
    case 'enum':
      return fc.integer({ min: 0, max: 65_535 });
    case 'utf8':
      return fc.oneof(fc.string({ unit: 'binary', maxLength: 12 }), fc.constantFrom('', 'tag-1', 'tag-2'));
    case 'bytes':
      return fc.oneof(fc.uint8Array({ maxLength: 12 }), fc.constant(new Uint8Array(4096)));
  }
}

/** One column: a constant, a slow walk where numbers allow, or anything. */
function column(type: ColumnType, rows: number): fc.Arbitrary<Cell[]> {
  const anything = fc.array(cellOf(type), { minLength: rows, maxLength: rows });
  const constant = cellOf(type).map((cell) => new Array<Cell>(rows).fill(cell));
  if (type.kind !== 'decimal' && type.kind !== 'int' && type.kind !== 'f64')
    return fc.oneof(anything, constant);
  const scale = type.kind === 'decimal' ? type.scale : type.kind === 'f64' ? 3 : 0;
  const walk = fc
    .array(fc.integer({ min: -20, max: 20 }), { minLength: rows, maxLength: rows })
    .map((steps) => {
      let at = 2150;
      return steps.map((step) => {
        at += step;
        return at / 10 ** scale;
      });
    });
  return fc.oneof(anything, constant, walk);
}

const columnType: fc.Arbitrary<ColumnType> = fc.oneof(
  fc.constantFrom<ColumnType>(
    { kind: 'f64' },
    { kind: 'int' },
    { kind: 'enum' },
    { kind: 'utf8' },
    { kind: 'bytes' },
  ),
  fc.integer({ min: 0, max: 9 }).map((scale): ColumnType => ({ kind: 'decimal', scale })),
);

const times = (rows: number) =>
  fc.oneof(
    fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map((t) => new BigInt64Array(rows).fill(t)),
    fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), { minLength: rows, maxLength: rows }),
    fc
      .array(fc.integer({ min: -50_000, max: 50_000 }), { minLength: rows, maxLength: rows })
      .map((jitter) => jitter.map((ns, i) => 86_400_000_000_000n + BigInt(i * 10_000_000 + ns))),
  );

const quality = (cells: number) =>
  fc.oneof(
    fc.constant(new Uint8Array(cells)),
    fc.array(fc.integer({ min: 0, max: 3 }), { minLength: cells, maxLength: cells }),
    fc.constant(new Uint8Array(cells).fill(FAULT)),
  );

function build(
  first: number,
  columns: readonly ColumnType[],
  ns: Iterable<bigint>,
  codes: Iterable<number>,
  cells: Cell[][],
): Case {
  const timesNs = BigInt64Array.from(ns);
  const values = new Float64Array(timesNs.length * columns.length).fill(Number.NaN);
  const texts = new Array<string | Uint8Array | undefined>(values.length).fill(undefined);
  const codesOf = Uint8Array.from(codes);
  for (let i = 0; i < values.length; i++) {
    const cell = cells[i % columns.length]![Math.floor(i / columns.length)]!;
    if (codesOf[i] === FAULT) continue;
    if (typeof cell === 'number') values[i] = cell;
    else texts[i] = cell;
  }
  return { first, columns, rows: { timesNs, values, quality: codesOf, texts } };
}

export function cases(): fc.Arbitrary<Case> {
  const shape = fc.record({
    first: fc.integer({ min: 0, max: 2 ** 53 - 100 }),
    rows: fc.integer({ min: 1, max: 80 }),
    columns: fc.array(columnType, { minLength: 1, maxLength: 8 }),
  });
  return shape.chain(({ first, rows, columns }) =>
    fc
      .tuple(
        times(rows),
        quality(rows * columns.length),
        fc.tuple(...columns.map((type) => column(type, rows))),
      )
      .map(([ns, codes, cells]) => build(first, columns, ns, codes, cells)),
  );
}

const bits = new DataView(new ArrayBuffer(8));

/** What a cell holds, as text: doubles by their bits (decimals and ints have one zero only), texts by their bytes. */
export function cellKey(
  rows: NativeRows & { readonly columns: readonly ColumnType[] },
  cell: number,
): string {
  const { kind } = rows.columns[cell % rows.columns.length]!;
  if (rows.quality[cell] === FAULT) return `absent ${rows.values[cell]} ${rows.texts?.[cell]}`;
  if (kind === 'utf8') return `utf8 ${JSON.stringify(rows.texts?.[cell])}`;
  if (kind === 'bytes') return `bytes ${Buffer.from(rows.texts?.[cell] as Uint8Array).toString('hex')}`;
  const value = rows.values[cell]!;
  bits.setFloat64(0, kind !== 'f64' && value === 0 ? 0 : value);
  return `${kind} ${bits.getBigUint64(0).toString(16)}`;
}
