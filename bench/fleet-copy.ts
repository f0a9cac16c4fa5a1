import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';

/** A row as a plain table has it. */
export interface PlainRow {
  readonly node: number;
  readonly seq: number;
  readonly wallNs: bigint;
  readonly values: readonly number[];
}

/** COPY FROM STDIN by psql, a transaction each. */
export function copyInto(url: string, table: string) {
  const psql = spawn('psql', ['-X', '-q', '-v', 'ON_ERROR_STOP=1', url], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: psql.stdout })[Symbol.asyncIterator]();
  return {
    copy: async (rows: readonly PlainRow[]): Promise<void> => {
      const text = rows.map(
        ({ node, seq, wallNs, values }) => `${node}\t${seq}\t${wallNs}\t{${values.join(',')}}\n`,
      );
      psql.stdin.write(`COPY ${table} FROM STDIN;\n${text.join('')}\\.\n\\echo done\n`);
      const { value, done } = await lines.next();
      if (done || value !== 'done') throw new Error(`psql: ${String(value)}`);
    },
    end: async (): Promise<void> => {
      psql.stdin.end();
      await once(psql, 'exit');
    },
  };
}
