import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Database, DatabaseError } from '../../fleet/db/index.js';
import { SharedNews } from '../../fleet/news.js';

test('what became another while its process ends is told once, and not again and again to a closed database', async () => {
  let asked = 0;
  const query = () => {
    asked++;
    return Promise.reject(new DatabaseError('down', 'closed'));
  };
  const db = { dialect: 'postgres', query, transaction: query, close: async () => undefined } as Database;
  const news = new SharedNews(db, 'postgresql://nobody@localhost:9/none');
  await news.close();
  // The services end one after the other: ingest still takes what was under way.
  news.tell({ kind: 'node', node: 'a' });
  await sleep(3_500);
  assert.equal(asked, 1);
});
