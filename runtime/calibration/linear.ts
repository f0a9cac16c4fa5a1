/** Rows of equal length. */
export type Matrix = readonly (readonly number[])[];
export type Vector3 = readonly [x: number, y: number, z: number];

export const norm = (v: readonly number[]): number => Math.hypot(...v);

/** matrix × (raw - offset) for three axes. */
export function corrected(matrix: readonly number[], offset: readonly number[], raw: Vector3): Vector3 {
  const [x, y, z] = [raw[0] - offset[0]!, raw[1] - offset[1]!, raw[2] - offset[2]!];
  const row = (i: number) => matrix[i]! * x + matrix[i + 1]! * y + matrix[i + 2]! * z;
  return [row(0), row(3), row(6)];
}

/** x of A x = b by Gaussian elimination with partial pivoting; undefined where A has no inverse to speak of. */
export function solve(a: Matrix, b: readonly number[]): number[] | undefined {
  const n = b.length;
  const rows = a.map((row, i) => [...row, b[i]!]);
  const largest = Math.max(...a.flat().map(Math.abs));
  for (let k = 0; k < n; k++) {
    const pivot = rows.slice(k).reduce((best, row) => (Math.abs(row[k]!) > Math.abs(best[k]!) ? row : best));
    if (!(Math.abs(pivot[k]!) > largest * 1e-14)) return undefined;
    rows.splice(rows.indexOf(pivot), 1);
    rows.splice(k, 0, pivot);
    for (const row of rows.slice(k + 1)) {
      const factor = row[k]! / pivot[k]!;
      for (let i = k; i <= n; i++) row[i]! -= factor * pivot[i]!;
    }
  }
  const x = new Array<number>(n).fill(0);
  for (let k = n - 1; k >= 0; k--) {
    const known = x.reduce((sum, value, i) => (i > k ? sum + rows[k]![i]! * value : sum), 0);
    x[k] = (rows[k]![n]! - known) / rows[k]![k]!;
  }
  return x;
}

/** The sums of products A'A and A'b of a least-squares problem, taken up row by row. */
export class NormalEquations {
  readonly products: number[][];
  readonly #right: number[];

  constructor(unknowns: number) {
    this.products = Array.from({ length: unknowns }, () => new Array<number>(unknowns).fill(0));
    this.#right = new Array<number>(unknowns).fill(0);
  }

  add(row: readonly number[], right: number): void {
    for (const [i, a] of row.entries()) {
      this.#right[i]! += a * right;
      for (const [j, b] of row.entries()) this.products[i]![j]! += a * b;
    }
  }

  solve(): number[] | undefined {
    return solve(this.products, this.#right);
  }

  /** Of A: the root of the largest eigenvalue of A'A over the least. */
  condition(): number {
    const { values } = symmetricEigen(this.products);
    return Math.sqrt(Math.max(...values) / Math.max(Math.min(...values), Number.MIN_VALUE));
  }
}

const SWEEPS_MAX = 50;

/** Eigenvalues, and eigenvectors as columns, of a symmetric matrix by cyclic Jacobi rotations (Golub and Van Loan, Matrix Computations, 8.5). */
export function symmetricEigen(symmetric: Matrix): { values: number[]; vectors: number[][] } {
  const n = symmetric.length;
  const a = symmetric.map((row) => [...row]);
  const vectors = a.map((_, i) => a.map((_, j) => (i === j ? 1 : 0)));
  const scale = Math.max(...a.flat().map(Math.abs));
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    let off = 0;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) off = Math.max(off, Math.abs(a[p]![q]!));
    if (off <= scale * 1e-15) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, vectors, p, q);
  }
  return { values: a.map((row, i) => row[i]!), vectors };
}

/** Makes a[p][q] zero. */
function rotate(a: number[][], vectors: number[][], p: number, q: number): void {
  if (a[p]![q] === 0) return;
  const theta = (a[q]![q]! - a[p]![p]!) / (2 * a[p]![q]!);
  const t = (theta < 0 ? -1 : 1) / (Math.abs(theta) + Math.sqrt(theta * theta + 1));
  const c = 1 / Math.sqrt(t * t + 1);
  const s = t * c;
  const turnColumns = (rows: number[][]) => {
    for (const row of rows) [row[p], row[q]] = [c * row[p]! - s * row[q]!, s * row[p]! + c * row[q]!];
  };
  turnColumns(a);
  const [rowP, rowQ] = [[...a[p]!], [...a[q]!]];
  for (let i = 0; i < rowP.length; i++) {
    a[p]![i] = c * rowP[i]! - s * rowQ[i]!;
    a[q]![i] = s * rowP[i]! + c * rowQ[i]!;
  }
  turnColumns(vectors);
}
