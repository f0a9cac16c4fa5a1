import assert from 'node:assert/strict';
import { rmSync } from 'node:fs';
import { constants } from 'node:os';
import { type TestContext, test } from 'node:test';
import { checkStates, textOf } from './check-states.js';
import { problemsOf } from './killed.js';
import { readOperations } from './operation-log.js';
import { fastFolder, type Recording, record } from './recording.js';
import { SAID } from './said.js';
import { cannotWatch, type ShimFaults } from './shim.js';

const SEED = Number(process.env.CAIRN_CRASH_SEED ?? Date.now() % 1_000_000);
/** How many places the failures are spread over, and the power cuts of each. */
const PLACES = Number(process.env.CAIRN_CRASH_PLACES ?? 3);
const STATES = 40;
const STEPS = 60;

async function recorded(t: TestContext, faults: ShimFaults): Promise<Recording> {
  const parent = fastFolder();
  t.after(() => rmSync(parent, { recursive: true, force: true }));
  return record(parent, [{ seed: SEED, steps: STEPS, ending: 'clean', faults }]);
}

/** Fails calls at places all over a run, and looks at the store as it is at the end, and as power cuts leave it on the way. */
async function failAllOver(t: TestContext, what: 'sync' | 'write', errno: number): Promise<void> {
  const all = readOperations((await recorded(t, {})).log);
  const whole = all.filter(({ kind, path }) => kind === what && path !== SAID).length;
  let failed = 0;
  for (let place = 0; place < PLACES; place += 1) {
    const call = 1 + Math.floor((place * whole) / PLACES);
    const fail = { what, call, count: 1 + (place % 3), errno };
    const { folder, log } = await recorded(t, { fail });
    failed += readOperations(log).filter(({ kind, error }) => kind === what && error === errno).length;
    const where = `${what} ${call} and up to ${fail.count} in all fail`;
    assert.deepEqual(await problemsOf(folder), [], where);
    const { violations } = await checkStates({
      log,
      seed: SEED,
      count: STATES,
      negative: { losesOnError: true },
    });
    assert.equal(violations.length, 0, `${where}: ${textOf(violations)}`);
  }
  t.diagnostic(
    `seed ${SEED}: ${failed} of ${whole} a run failed, ${PLACES * STATES} power cuts, 0 violations`,
  );
  assert.ok(failed >= PLACES / 2, 'a place near the end of one run may lie behind the end of another');
}

test(
  'FAULTS 7: a sync that fails with EIO is never acknowledged, and what the cache lost with it is not needed',
  {
    skip: cannotWatch,
    timeout: 3_600_000,
  },
  (t) => failAllOver(t, 'sync', constants.errno.EIO),
);

test(
  'FAULTS 5, 7: writes that fail with ENOSPC, power cuts among them: 0 acknowledged lost',
  {
    skip: cannotWatch,
    timeout: 3_600_000,
  },
  (t) => failAllOver(t, 'write', constants.errno.ENOSPC),
);
