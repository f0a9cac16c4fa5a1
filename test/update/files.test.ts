import assert from 'node:assert/strict';
import { execFileSync, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import { takeRequest } from '../../runtime/update/inbox.js';
import {
  BUNDLE_MAX_BYTES,
  diffLines,
  leaveRequest,
  loadBundle,
  placesOf,
  readBundle,
} from '../../runtime/update/index.js';
import type { AnyRequest } from '../../runtime/update/records.js';
import { bundleOf, Machine } from './support.js';

function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-update-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return folder;
}

const PART = '{ climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 1s } }';

test('a bundle is the node file with all that was read for it, but no board of the package; it loads without them', (t) => {
  const folder = folderOf(t);
  const at = (name: string) => join(folder, name);
  writeFileSync(
    at('node.yaml'),
    `node: n\nboard: twin\ninclude: [part.yaml]\nstore: { path: ${at('store')} }\n`,
  );
  writeFileSync(at('part.yaml'), `parts: ${PART}\n`);
  const { bundle, loaded } = readBundle(at('node.yaml'));
  assert.ok(loaded.ok);
  assert.deepEqual(Object.keys(bundle.files), [at('node.yaml'), at('part.yaml')]);
  const hash = createHash('sha256');
  for (const path of [at('node.yaml'), at('part.yaml')])
    hash.update(Buffer.concat([Buffer.from(path), Buffer.of(0), execFileSync('cat', [path]), Buffer.of(0)]));
  assert.equal(bundle.sha256, hash.digest('hex'));
  rmSync(at('part.yaml'));
  rmSync(at('node.yaml'));
  assert.deepEqual(loadBundle(bundle), loaded);
  assert.deepEqual(placesOf(bundle).state, at('config'));
});

test('where state lies is known of a node file that is wrong otherwise', () => {
  const text = 'node: 7 7\nsampling: fast\nstore: { path: /data/x }\n';
  assert.deepEqual(placesOf(bundleOf(text)), {
    state: '/data/x.config',
    inbox: '/data/x.console/inbox',
    socket: '/data/x.config/run.sock',
  });
  assert.equal(placesOf(bundleOf('node: [}')).state, '/var/lib/cairn/config');
});

test('the inbox: whole requests, the last one; taken again where the process ended meanwhile', (t) => {
  const folder = join(folderOf(t), 'console', 'inbox');
  const machine = new Machine();
  const [first, second] = [machine.apply(bundleOf('a')), machine.apply(bundleOf('b'))];
  const taken: string[] = [];
  const take = ({ id }: AnyRequest) => void taken.push(id);
  takeRequest(folder, take);
  leaveRequest(folder, first);
  leaveRequest(folder, second);
  takeRequest(folder, take);
  takeRequest(folder, take);
  assert.deepEqual(taken, [second.id]);
  // As a process that ended after the file was taken leaves it.
  leaveRequest(folder, first);
  execFileSync('mv', [join(folder, 'request.json'), join(folder, 'taken.json')]);
  leaveRequest(folder, second);
  takeRequest(folder, take);
  takeRequest(folder, take);
  assert.deepEqual(taken, [second.id, first.id, second.id]);
});

test('what lies in the inbox and is no request is refused at once, and gone', (t) => {
  const folder = folderOf(t);
  const path = join(folder, 'request.json');
  const secret = join(folder, 'secret');
  writeFileSync(secret, '{}');
  const large = JSON.stringify(new Machine().apply(bundleOf('x'.repeat(BUNDLE_MAX_BYTES))));
  const wrong: readonly (readonly [put: () => unknown, said: RegExp])[] = [
    [() => symlinkSync(secret, path), /ELOOP|symbolic/],
    [() => execFileSync('mkfifo', [path]), /not a file/],
    [() => writeFileSync(path, '\0'.repeat(1 << 20)), /1048576 bytes; a request has \d+ at most/],
    [() => writeFileSync(path, large), /262144 bytes at most/],
    [() => writeFileSync(path, '{"kind":"apply"}'), /id/],
    [
      () => writeFileSync(path, JSON.stringify({ ...new Machine().apply(bundleOf('x')), minutes: 121 })),
      /minutes/,
    ],
    [
      () => writeFileSync(path, JSON.stringify(new Machine().apply({ ...bundleOf('x'), sha256: '' }))),
      /SHA-256/,
    ],
    [() => writeFileSync(path, '{"kind":'), /JSON/],
  ];
  for (const [put, said] of wrong) {
    put();
    assert.throws(() => takeRequest(folder, () => assert.fail('taken')), said);
    assert.deepEqual(
      [existsSync(path), existsSync(join(folder, 'taken.json')), existsSync(secret)],
      [false, false, true],
    );
  }
});

const WITHOUT_DIFF = spawnSync('diff', ['--version']).status === 0 ? false : 'diff is not installed';

test('differences: as few lines as diff --minimal finds, and they make the one text of the other', {
  skip: WITHOUT_DIFF,
}, (t) => {
  const folder = folderOf(t);
  const [a, b] = [join(folder, 'a'), join(folder, 'b')];
  const text = fc.array(fc.constantFrom('one', 'two', 'three', '  four', ''), { maxLength: 12 });
  fc.assert(
    fc.property(text, text, (before, after) => {
      const textOf = (lines: readonly string[]) => lines.map((line) => `${line}\n`).join('');
      writeFileSync(a, textOf(before));
      writeFileSync(b, textOf(after));
      const { stdout } = spawnSync('diff', ['--minimal', a, b], { encoding: 'utf8' });
      const lines = diffLines(textOf(before), textOf(after));
      const countOf = (all: readonly string[], mark: RegExp) => all.filter((line) => mark.test(line)).length;
      assert.equal(countOf(lines, /^[-+] /), countOf(stdout.split('\n'), /^[<>] /));
      const gone = lines.filter((line) => line.startsWith('- ')).map((line) => line.slice(2));
      const wanted = stdout
        .split('\n')
        .filter((line) => line.startsWith('< '))
        .map((line) => line.slice(2));
      assert.equal(gone.length, wanted.length);
    }),
    { numRuns: 200 },
  );
  const many = Array.from({ length: 3_000 }, (_, i) => `line ${i}`);
  const changed = diffLines(many.join('\n'), many.map((line) => `${line}!`).join('\n'));
  assert.equal(changed.length, 6_000, 'beyond its table, whole');
  assert.deepEqual(diffLines('a\nb\nc\nd\ne\nf\n', 'a\nb\nc\nX\ne\nf\n'), [
    '…',
    '  b',
    '  c',
    '- d',
    '+ X',
    '  e',
    '  f',
  ]);
  assert.deepEqual(diffLines('same\n', 'same\n'), []);
});
