import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { pino } from 'pino';
import { parseConfig } from '../../fleet/config/index.js';
import { makeParts } from '../../fleet/parts.js';

test('a fault of the program that somebody met on a page is in the log, as the page says', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'cairn-parts-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const lines: string[] = [];
  const log = pino({ base: null }, { write: (line: string) => void lines.push(line) });
  const parts = await makeParts(parseConfig(JSON.stringify({ data }), 'test'), {
    holder: 'a',
    log,
    health: () => ({ services: [] }),
  });
  t.after(() => parts.db.close());
  parts.people.signIn.hasOwner = () => Promise.reject(new Error('a fault of the test'));
  const { statusCode, body } = await parts.web.inject('/sign-in');
  assert.equal(statusCode, 500);
  assert.equal(body.includes('a fault of the test'), false);
  assert.match(lines.join(''), /a fault of the test/);
});

test('what can not be opened leaves no database open', async (t) => {
  const data = mkdtempSync(join(tmpdir(), 'cairn-parts-'));
  t.after(() => rmSync(data, { recursive: true, force: true }));
  const mail = { url: 'smtp://127.0.0.1', from: 'a@example.org', passwordFile: join(data, 'absent') };
  const config = parseConfig(JSON.stringify({ data, mail }), 'test');
  const options = { holder: 'a', log: pino({ level: 'silent' }), health: () => ({ services: [] }) };
  await assert.rejects(makeParts(config, options), /absent/);
  const nowhere = parseConfig(JSON.stringify({ data: join(data, 'gone') }), 'test');
  await assert.rejects(makeParts(nowhere, options), /gone\/fleet\.db: .*is there room/);
  const open = readdirSync('/proc/self/fd').map((fd) => {
    try {
      return readlinkSync(`/proc/self/fd/${fd}`);
    } catch {
      return '';
    }
  });
  assert.deepEqual(
    open.filter((path) => path.startsWith(data)),
    [],
  );
});
