import { parentPort, workerData } from 'node:worker_threads';
import { SqliteConnection } from './sqlite-connection.js';
import type { Answer, Question } from './sqlite-readers.js';
import { DatabaseError } from './types.js';

/** A thread that reads: whoever looks at a year of readings holds up no alarm. */

let connection: SqliteConnection | undefined;

parentPort!.on('message', ({ id, sql, values }: Question) => {
  let answer: Answer;
  try {
    connection ??= new SqliteConnection(workerData as string, { isReader: true });
    answer = { id, rows: connection.run(sql, values) };
  } catch (error) {
    const { message } = error as Error;
    answer = { id, failure: { kind: error instanceof DatabaseError ? error.kind : 'wrong', message } };
  }
  parentPort!.postMessage(answer);
});
// It has started.
parentPort!.postMessage(undefined);
