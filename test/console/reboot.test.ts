import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Caller } from '../../runtime/console/command.js';
import { type RebootPorts, reboot } from '../../runtime/console/commands/reboot.js';
import { runOne } from '../../runtime/console/run-command.js';
import { callingOf } from '../support/calling.js';

const KIM: Caller = { role: 'technician', name: 'kim' };

interface Machine {
  /** Somebody watches the file, and takes it away. */
  readonly isWatched?: boolean;
  readonly isRoot?: boolean;
  readonly typed?: string;
  readonly caller?: Caller;
  readonly fails?: boolean;
}

/** No machine is restarted here: the last step is counted. */
async function rebooted(t: TestContext, machine: Machine) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-reboot-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const requestFile = join(folder, 'reboot');
  const seen = { asked: '', reboots: 0, said: '' };
  const ports: RebootPorts = {
    requestFile: machine.isWatched === undefined ? join(folder, 'nowhere', 'reboot') : requestFile,
    isRoot: () => machine.isRoot ?? false,
    rebootNow: async () => {
      if (machine.fails) throw new Error('no such program');
      seen.reboots++;
    },
    wait: async () => {
      if (!machine.isWatched || !existsSync(requestFile)) return;
      seen.asked = readFileSync(requestFile, 'utf8');
      rmSync(requestFile);
    },
  };
  const say = (text: string) => {
    seen.said += `${text}\n`;
  };
  const { typed = 'yes', caller = KIM } = machine;
  const calling = callingOf({ out: say, err: say }, { typed: [typed], caller });
  const code = await runOne(reboot(ports), ['reboot', '--config', join(folder, 'none.yaml')], calling);
  return { code, ...seen, isLeft: existsSync(requestFile) };
}

test('a request is left, and whoever watches takes it: that is all', async (t) => {
  const done = await rebooted(t, { isWatched: true });
  assert.deepEqual([done.code, done.asked, done.reboots], [0, 'technician kim\n', 0]);
  assert.match(done.said, /It restarts\./);
});

test('where nobody takes it root does it himself; the request is gone, so that no later watcher finds it', async (t) => {
  const done = await rebooted(t, { isWatched: false, isRoot: true });
  assert.deepEqual([done.code, done.reboots, done.isLeft], [0, 1, false]);
  assert.deepEqual((await rebooted(t, { isRoot: true })).reboots, 1);
});

test('whoever may not is told what to type as root', async (t) => {
  for (const machine of [{ isWatched: false }, {}, { isRoot: true, fails: true }]) {
    const done = await rebooted(t, machine);
    assert.deepEqual([done.code, done.reboots, done.isLeft], [1, 0, false]);
    assert.match(done.said, /as root, type: systemctl stop cairn; systemctl reboot/);
  }
});

test('nothing is done without a yes, nor for a viewer', async (t) => {
  const no = await rebooted(t, { isWatched: true, isRoot: true, typed: 'y' });
  assert.deepEqual([no.code, no.asked, no.reboots], [2, '', 0]);
  assert.match(no.said, /Nothing was done/);
  const viewer = await rebooted(t, { isWatched: true, caller: { role: 'viewer', name: 'lee' } });
  assert.deepEqual([viewer.code, viewer.asked], [4, '']);
});
