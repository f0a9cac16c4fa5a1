import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SystemFiles } from '../../drivers/contract/index.js';

export interface SystemFixture {
  readonly files: SystemFiles;
  /** A file of more than 10 bytes of ASCII. */
  readonly file: string;
  /** A directory with at least one entry. */
  readonly folder: string;
}

/** What every SystemFiles does, whatever is behind it. */
export function systemContract(name: string, fixture: SystemFixture): void {
  const { files, file, folder } = fixture;

  test(`${name}: a file is read whole, or cut at the bound`, async () => {
    const whole = await files.read(file);
    assert.ok(whole.length > 10);
    assert.equal(await files.read(file, 7), whole.slice(0, 7));
  });

  test(`${name}: what is not there is absent`, async () => {
    await assert.rejects(files.read(`${folder}/no-such-file`), { kind: 'absent' });
    await assert.rejects(files.list(`${folder}/no-such-folder`), { kind: 'absent' });
  });

  test(`${name}: names come sorted`, async () => {
    const names = await files.list(folder);
    assert.ok(names.length > 0 && names.length <= 1024);
    assert.deepEqual([...names].sort(), names);
  });

  test(`${name}: nothing outside of sysfs and proc is read`, async () => {
    for (const path of [
      '/etc/passwd',
      '/sys/../etc/passwd',
      '/proc/../../etc/shadow',
      'sys/x',
      '',
      '/system/x',
    ]) {
      await assert.rejects(files.read(path), { kind: 'denied' }, path);
      await assert.rejects(files.list(path), { kind: 'denied' }, path);
    }
  });

  test(`${name}: bounds out of reason are invalid`, async () => {
    for (const bytes of [0, -1, 65_537, 1.5]) {
      await assert.rejects(files.read(file, bytes), { kind: 'invalid' });
    }
  });

  test(`${name}: the room on a file system`, async () => {
    const { totalBytes, freeBytes } = await files.space('/');
    assert.ok(totalBytes > 0 && freeBytes >= 0 && freeBytes <= totalBytes);
  });
}
