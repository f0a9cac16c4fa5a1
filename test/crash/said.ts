import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Operation } from './operation-log.js';

/** Beside the store, in the watched folder: what the child says stands in the operation log in its order. */
export const SAID = 'said';

/** What a process that writes to the store says. Numbers are of streams, [from, to). */
export type Statement =
  /** These rows are promised: they were told as committed. `from`: where the process that says it began. */
  | { readonly is: 'committed'; readonly stream: string; readonly from: number; readonly to: number }
  /** These numbers have been given to rows. */
  | { readonly is: 'given'; readonly stream: string; readonly from: number; readonly to: number }
  /** Said before it is done: these rows are freed by a receipt, and may be gone. */
  | { readonly is: 'freed'; readonly stream: string; readonly from: number; readonly to: number }
  /** The store is open. */
  | { readonly is: 'open'; readonly epoch: string };

export function say(folder: string, statement: Statement): void {
  appendFileSync(join(folder, SAID), `${JSON.stringify(statement)}\n`);
}

/** The statement that an operation is. */
export function statementOf(operation: Operation): Statement | undefined {
  if (operation.kind !== 'write' || operation.path !== SAID) return undefined;
  return JSON.parse(Buffer.from(operation.data).toString('utf8')) as Statement;
}

/** Statements of a file that a killed process left. */
export function statementsOf(text: string): readonly Statement[] {
  const whole = text.slice(0, text.lastIndexOf('\n') + 1);
  return whole
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Statement);
}
