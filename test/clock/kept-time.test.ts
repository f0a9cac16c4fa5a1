import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { KeptTime } from '../../runtime/clock/index.js';
import { root } from '../house/imports.js';
import { makeCa } from '../support/broker.js';

const HOUR_MS = 3_600_000;
const NEW_YEAR_MS = Date.UTC(2026, 0, 1);
const ns = (ms: number) => BigInt(ms) * 1_000_000n;

function bench(t: { after(run: () => void): void }) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-kept-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const file = join(folder, 'clock');
  const said: string[] = [];
  const state = { nowMs: 0 };
  const open = (...certificates: (string | undefined)[]) =>
    new KeptTime({
      ...{ file, certificates, log: (_level, text) => said.push(text) },
      wall: { pair: () => ({ bootNs: 0n, wallNs: ns(state.nowMs), uncertaintyNs: 0n }) },
    });
  return { folder, file, said, state, open, keptMs: () => statSync(file).mtimeMs };
}

test('what is known of the time is kept, once an hour, and told where the machine’s clock is behind it', (t) => {
  const { said, state, open, keptMs } = bench(t);
  state.nowMs = NEW_YEAR_MS;
  const first = open();
  first.atLeast(ns(NEW_YEAR_MS));
  first.atLeast(ns(NEW_YEAR_MS + HOUR_MS - 1));
  assert.equal(keptMs(), NEW_YEAR_MS);
  first.atLeast(ns(NEW_YEAR_MS + HOUR_MS));
  assert.equal(keptMs(), NEW_YEAR_MS + HOUR_MS);
  first.atLeast(ns(0));
  assert.equal(keptMs(), NEW_YEAR_MS + HOUR_MS, 'it never goes back');
  open();
  assert.equal(said.length, 1, 'said where it is behind');
  state.nowMs = 5_000;
  open();
  assert.match(
    said[1]!,
    /clock says 1970-01-01T00:00:05\.000Z, but it is 2026-01-01T01:00:00\.000Z at the least \(so late/,
  );
});

test('a node that was never told the time has its certificates: it is not before they begin', (t) => {
  const { folder, said, state, open, keptMs } = bench(t);
  const beforeMs = Date.now();
  const { ca } = makeCa(join(folder, 'ca'));
  writeFileSync(join(folder, 'torn.pem'), '-----BEGIN CERTIFICATE-----\n');
  state.nowMs = 1_000;
  open(undefined, join(folder, 'absent.pem'), join(folder, 'torn.pem'), ca);
  assert.ok(keptMs() >= Math.trunc(beforeMs / 1000) * 1000 && keptMs() <= Date.now(), String(keptMs()));
  assert.equal(said.length, 2);
  assert.match(said[1]!, /a certificate of ours begins then/);
});

test('the unit sets the clock forward to what is kept, and never back', (t) => {
  const { folder, file } = bench(t);
  const unit = readFileSync(join(root, 'install/cairn-clock.service'), 'utf8');
  const [, line] = /^ExecStart=\/bin\/sh -c '(.*)'$/m.exec(unit) ?? [];
  const script = line!.replaceAll('$$', '$').replaceAll('%%', '%').replaceAll('/var/lib/cairn/clock', file);
  // No test may set this machine's clock.
  writeFileSync(join(folder, 'date'), `#!/bin/sh\ncase $1 in +%s) echo "$NOW" ;; *) echo "$@" ;; esac\n`);
  chmodSync(join(folder, 'date'), 0o755);
  const run = (now: number) =>
    execFileSync('/bin/sh', ['-c', script], {
      env: { PATH: `${folder}:${process.env.PATH}`, NOW: String(now) },
      encoding: 'utf8',
    });
  writeFileSync(file, '');
  utimesSync(file, 1_800_000_000, 1_800_000_000);
  assert.equal(run(5), '-s @1800000000\n');
  assert.equal(run(1_799_999_999), '-s @1800000000\n');
  assert.equal(run(1_800_000_000), '');
  assert.equal(run(1_900_000_000), '');
});
