import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { lackOf, offsetOf, RigError, readRig } from '../../hil/rig.js';
import { root } from '../house/imports.js';

const rigs = join(root, 'hil/rigs');
const names = readdirSync(rigs).filter((name) => name.endsWith('.yaml'));

const GOOD = `name: bench-1
machine: { host: local }
simulated:
  chip: [A, B]
lines:
  SOS: { chip: chip, line: B }
  FAR: { chip: other, line: X, offset: 4, jumper: SOS }
buses:
  main: { device: /dev/i2c-1, parts: { climate: { driver: bme280, address: 0x76 } } }
programs: [socat]
suites: [gpio]
lacks:
  buses.main.twins: the parts are real
  ports: no uart
`;

function fileOf(text: string): string {
  const file = join(mkdtempSync(join(tmpdir(), 'cairn-rig-')), 'rig.yaml');
  writeFileSync(file, text);
  return file;
}

/** What is said of the good file with one text replaced, without the folder's name. */
function problems(from: string, to: string): readonly string[] {
  assert.ok(GOOD.includes(from));
  const file = fileOf(GOOD.replace(from, to));
  try {
    readRig(file);
  } catch (error) {
    assert.ok(error instanceof RigError);
    return error.message.replaceAll(`${dirname(file)}/`, '').split('\n');
  }
  return [];
}

test('a wrong rig file is told with line and column, what is wrong and what is wanted', () => {
  const cases: readonly (readonly [from: string, to: string, said: RegExp])[] = [
    [
      'suites: [gpio]',
      'suits: [gpio]',
      /^rig\.yaml:11:1: the file has no key 'suits'; did you mean 'suites'\?/,
    ],
    ['name: bench-1', 'name: Bench 1', /^rig\.yaml:1:7: name can't be Bench 1 \(wanted: a name of a-z/],
    [
      '{ host: local }',
      '{ host: local, qemu: amd64 }',
      /^rig\.yaml:2:1: machine: .*\{ qemu: amd64 \}, \{ host/,
    ],
    ['{ host: local }', '{}', /^rig\.yaml:2:1: machine: .*\{ qemu: amd64 \}, \{ host/],
    ['line: B }', 'line: C }', /^rig\.yaml:6:28: chip has no line 'C'.*\(wanted: A or B\)/],
    [
      'jumper: SOS',
      'jumper: SOD',
      /^rig\.yaml:7:51: lines\.FAR\.jumper: no other line 'SOD'; did you mean 'SOS'/,
    ],
    ['jumper: SOS', 'jumper: FAR', /^rig\.yaml:7:51: .*no other line 'FAR' \(wanted: SOS\)/],
    [
      'address: 0x76',
      'address: 0x99',
      /^rig\.yaml:9:76: .*\.address can't be 0x99 \(wanted: an address from 0x08/,
    ],
    ['/dev/i2c-1', '7', /^rig\.yaml:9:19: buses\.main\.device can't be 7 \(wanted: a device/],
    ['ports: no uart', 'lines.SOS: none', /^rig\.yaml:14:3: the rig has 'lines\.SOS', and lacks it/],
    ['suites: [gpio]', 'suites: []', /^rig\.yaml:11:9: suites can't be .*wanted: one at least/],
    ['name: bench-1', 'name: [', /^rig\.yaml:\d+:\d+: not YAML/],
  ];
  for (const [from, to, said] of cases) {
    const told = problems(from, to);
    assert.ok(
      told.some((line) => said.test(line)),
      `${to}: ${told.join(' / ')}`,
    );
  }
  assert.throws(() => readRig('/nowhere/rig.yaml'), /rig\.yaml:1:1: the rig file: there is no such file/);
  assert.deepEqual(problems('socat', 'socat'), []);
});

test('what a suite needs is there, or lacks with the reason, or is an error of the manifest', () => {
  const rig = readRig(fileOf(GOOD));
  for (const path of ['lines.SOS', 'lines.FAR.jumper', 'buses.main.parts', 'programs.socat'])
    assert.equal(lackOf(rig, path), undefined, path);
  assert.equal(lackOf(rig, 'buses.main.twins'), 'bench-1 lacks buses.main.twins: the parts are real');
  assert.equal(lackOf(rig, 'ports.gps'), 'bench-1 lacks ports: no uart');
  assert.throws(() => lackOf(rig, 'lines.LED'), /'lines\.LED' is needed; say what it is, or why/);
  assert.throws(() => lackOf(rig, 'constructor'), RigError);
});

test('a simulated line has the number that gpio-sim gives it, another what the manifest says', () => {
  const rig = readRig(fileOf(GOOD));
  assert.equal(offsetOf(rig, 'SOS'), 1);
  assert.equal(offsetOf(rig, 'FAR'), 4);
});

test('each rig of the project is right, and says of all that its suites need where it is or why not', () => {
  assert.ok(names.length >= 3);
  for (const name of names) {
    const rig = readRig(join(rigs, name));
    assert.equal(`${rig.name}.yaml`, name);
    for (const suite of rig.suites) {
      const source = join(root, 'test/hil', `${suite}.ts`);
      assert.ok(existsSync(source), `${name}: ${source}`);
      for (const path of needed(readFileSync(source, 'utf8')))
        assert.doesNotThrow(() => lackOf(rig, path), `${name}: ${suite}`);
    }
    for (const suite of rig.nodeSuites)
      assert.ok(existsSync(join(root, 'test/hil/node', `${suite}.ts`)), suite);
  }
});

/** The paths that a suite's source names. */
function needed(source: string): readonly string[] {
  const calls = [...source.matchAll(/\b(?:needs|lacking)\(([^)]*)\)/g)].map((match) => match[1]!);
  return calls.flatMap((call) => [...call.matchAll(/'([^']+)'/g)].map((match) => match[1]!));
}

test('both architectures run the same rig', () => {
  const {
    name: _a,
    machine: _b,
    nodeSuites: _c,
    lacks: _d,
    ...amd64
  } = readRig(join(rigs, 'qemu-amd64.yaml'));
  const {
    name: _e,
    machine: _f,
    nodeSuites: _g,
    lacks: _h,
    ...arm64
  } = readRig(join(rigs, 'qemu-arm64.yaml'));
  assert.deepEqual(arm64, amd64);
});
