import type { Dialect, Queries, SqlRow } from '../db/index.js';

/** Of a column of given rows. `REALS` and `TEXTS` are arrays on PostgreSQL, JSON on SQLite. */
export type GivenType = 'BIGINT' | 'REAL' | 'TEXT' | 'REALS' | 'TEXTS';
export type Shape = Readonly<Record<string, GivenType>>;
export type Cell = bigint | number | string | null | undefined | readonly (number | string | null)[];

/** Rows that one statement takes. */
const CHUNK_ROWS = 4_096;

const POSTGRES: Readonly<Record<GivenType, string>> = {
  BIGINT: 'BIGINT',
  REAL: 'DOUBLE PRECISION',
  TEXT: 'TEXT',
  REALS: 'DOUBLE PRECISION[]',
  TEXTS: 'TEXT[]',
};

/** Runs a statement over rows that it knows as the table `given`; in chunks, in their order. No rows, no statement. */
export async function withGiven<Row extends SqlRow, S extends Shape = Shape>(
  tx: Queries,
  shape: S,
  rows: readonly Readonly<Record<keyof S, Cell>>[],
  sql: (given: string) => string,
): Promise<readonly Row[]> {
  const text = sql(tableOf(tx.dialect, shape));
  const names = Object.keys(shape);
  const found: Row[] = [];
  for (let at = 0; at < rows.length; at += CHUNK_ROWS) {
    const chunk = rows.slice(at, at + CHUNK_ROWS).map((row) => rowOf(tx.dialect, names, row));
    for (const row of await tx.query<Row>(text, [`[${chunk.join(',')}]`])) found.push(row);
  }
  return found;
}

function tableOf(dialect: Dialect, shape: Shape): string {
  const columns = Object.entries(shape);
  if (dialect === 'postgres')
    return `json_to_recordset($1::json) AS given(${columns.map(([name, type]) => `${name} ${POSTGRES[type]}`).join(', ')})`;
  const fields = columns.map(([name], i) => `json_extract(value, '$[${i}]') AS ${name}`);
  return `(SELECT ${fields.join(', ')} FROM json_each($1)) AS given`;
}

/** PostgreSQL takes objects; SQLite finds its way quicker in an array. */
function rowOf(dialect: Dialect, names: readonly string[], row: Readonly<Record<string, Cell>>): string {
  if (dialect === 'sqlite') return `[${names.map((name) => jsonOf(row[name])).join()}]`;
  return `{${names.map((name) => `"${name}":${jsonOf(row[name])}`).join()}}`;
}

function jsonOf(cell: Cell): string {
  if (cell === null || cell === undefined) return 'null';
  if (typeof cell === 'bigint') return cell.toString();
  if (typeof cell === 'number') return Number.isFinite(cell) ? String(cell) : 'null';
  return typeof cell === 'string' ? JSON.stringify(clean(cell)) : `[${cell.map(jsonOf).join(',')}]`;
}

/** PostgreSQL keeps no NUL, and neither keeps half a surrogate pair: the sign for what can't be shown stands there. */
export function clean(text: string): string {
  return text.replace(/\0|\p{Surrogate}/gu, '\ufffd');
}

/** An array column as JSON text. */
export function asJson(dialect: Dialect, column: string): string {
  return dialect === 'postgres' ? `to_json(${column})::text` : column;
}
