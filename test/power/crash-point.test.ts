import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import fc from 'fast-check';
import { CrashPoints } from '../../hil/power/crash-point.js';
import { DiskImage } from '../../hil/power/disk-image.js';
import { planCuts } from '../../hil/power/plan.js';
import { parseWriteLog } from '../../hil/power/write-log.js';
import { seeded } from '../../hil/random.js';
import { FLUSH, letter, lettersOf, logOf, type RawEntry } from './support.js';

const SECTORS = 8;

function baseOf(text: string): DiskImage {
  const image = new DiskImage(SECTORS * 512);
  image.write(0, lettersOf(text));
  return image;
}

/** The disk as a letter a sector; `?` where a sector isn't of one letter. */
function read(image: DiskImage): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-crash-point-'));
  try {
    image.save(join(folder, 'disk'));
    const bytes = readFileSync(join(folder, 'disk'));
    return Array.from({ length: bytes.length / 512 }, (_, sector) => {
      const one = bytes.subarray(sector * 512, (sector + 1) * 512);
      return one.every((byte) => byte === one[0]) ? String.fromCharCode(one[0]!) : '?';
    }).join('');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

function cutsOf(entries: readonly RawEntry[], keep: number): readonly string[] {
  const log = parseWriteLog(logOf(entries));
  const points = new CrashPoints(baseOf('--------'), log.entries);
  return Array.from({ length: entries.length + 1 }, (_, at) =>
    read(points.image({ entries: at, keep }, () => 0.5).image),
  );
}

test('without a flush nothing survives; with it all that was before', () => {
  const log = [letter(0, 'ab'), letter(4, 'c'), FLUSH, letter(1, 'd'), FLUSH];
  assert.deepEqual(cutsOf(log, 0), ['--------', '--------', '--------', 'ab--c---', 'ab--c---', 'ad--c---']);
  assert.deepEqual(cutsOf(log, 1), ['--------', 'ab------', 'ab--c---', 'ab--c---', 'ad--c---', 'ad--c---']);
});

test('a write through the cache (FUA) survives, and what it went over does not come back', () => {
  const log = [letter(0, 'abc'), letter(1, 'X', 2n), FLUSH];
  assert.deepEqual(cutsOf(log, 0), ['--------', '--------', '-X------', 'aXc-----']);
  const flushing = [letter(0, 'a'), letter(1, 'X', 3n)];
  assert.deepEqual(cutsOf(flushing, 0)[2], 'aX------', 'FLUSH and FUA: what was before, and itself');
  assert.deepEqual(
    cutsOf([letter(0, 'a'), letter(1, 'b', 1n)], 0)[2],
    'a-------',
    'FLUSH alone: what was before',
  );
});

test('a write is torn at its sectors, and a later one may survive an earlier', () => {
  const points = new CrashPoints(
    baseOf('--------'),
    parseWriteLog(logOf([letter(0, 'ab'), letter(4, 'cd')])).entries,
  );
  const draws = [0, 0.9, 0.1, 0.9, 0.1];
  const made = points.image({ entries: 2, keep: 0.5 }, () => draws.shift()!);
  assert.equal(read(made.image), 'ab---d--', 'the first by its sure survivor');
  assert.deepEqual([made.unflushedSectors, made.keptSectors], [4, 3]);
});

test('by chance: a cut holds of each sector what was flushed last, or something that was written later', () => {
  const entry = fc.oneof(
    fc.constant(FLUSH),
    fc
      .tuple(
        fc.integer({ min: 0, max: SECTORS - 3 }),
        fc.stringMatching(/^[a-z]{1,3}$/),
        fc.constantFrom(0n, 0n, 1n, 2n, 3n),
      )
      .map(([sector, text, flags]) => letter(sector, text, flags)),
  );
  const property = fc.property(
    fc.array(entry, { maxLength: 20 }),
    fc.double({ min: 0, max: 1, noNaN: true }),
    fc.integer(),
    (raw, keep, seed) => {
      const log = parseWriteLog(logOf(raw));
      const points = new CrashPoints(baseOf('--------'), log.entries);
      const made = points.image({ entries: raw.length, keep }, seeded(seed));
      // A model apart: by sector, all contents that a cut may show.
      const may = Array.from({ length: SECTORS }, () => ['-']);
      for (const { sector, flags, data = new Uint8Array(0) } of raw) {
        if (flags & 1n) for (const one of may) one.splice(0, one.length - 1);
        for (let i = 0; i < data.length / 512; i += 1) {
          const one = may[Number(sector) + i]!;
          if (flags & 2n) one.length = 0;
          one.push(String.fromCharCode(data[i * 512]!));
        }
      }
      const found = read(made.image);
      for (const [sector, allowed] of may.entries())
        assert.ok(allowed.includes(found[sector]!), `${sector}: ${found}`);
      assert.equal(made.keptSectors > 0, keep > 0 && made.unflushedSectors > 0);
    },
  );
  fc.assert(property, { numRuns: 150 });
});

test('cuts must come in the order of the log', () => {
  const points = new CrashPoints(baseOf('--------'), parseWriteLog(logOf([FLUSH, FLUSH])).entries);
  points.image({ entries: 2, keep: 0 }, () => 0);
  assert.throws(() => points.image({ entries: 1, keep: 0 }, () => 0), /order of the log/);
});

test('an image has no blocks where nothing was written, whatever its size', (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-image-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const image = new DiskImage(256 * 1024 * 1024);
  image.write(1000, lettersOf('abc'));
  image.write(256 * 2048 - 1, lettersOf('z'));
  image.save(join(folder, 'disk'));
  const { size, blocks } = statSync(join(folder, 'disk'));
  assert.equal(size, 256 * 1024 * 1024);
  assert.ok(blocks * 512 <= 256 * 1024, `${blocks * 512} bytes on the disk`);
  assert.deepEqual(DiskImage.read(join(folder, 'disk')).differences(image), []);
  assert.throws(() => image.write(256 * 2048, lettersOf('z')), /past the disk's end/);
});

test('a plan: a quarter before the first promise, half with survivors, and one seed is one plan', () => {
  const raw: RawEntry[] = [];
  for (let i = 0; i < 100; i += 1) raw.push(letter(0, 'a'), letter(1, 'b'), FLUSH);
  const log = parseWriteLog(logOf(raw));
  const said = [{ epoch: 'e', stream: 's', from: 0, next: 1, logBytes: log.entries[59]!.endBytes }];
  const cuts = planCuts(log, said, 400, 5);
  assert.deepEqual(planCuts(log, said, 400, 5), cuts);
  assert.notDeepEqual(planCuts(log, said, 400, 6), cuts);
  const creation = cuts.filter(({ entries }) => entries <= 59).length;
  assert.ok(creation >= 95 && creation <= 105, `${creation} before the first promise`);
  assert.equal(cuts.filter(({ keep }) => keep > 0).length, 200);
  assert.ok(
    cuts.every(({ entries }, i) => i === 0 || entries >= cuts[i - 1]!.entries),
    'in the order of the log',
  );
  for (const { entries, keep } of cuts)
    if (keep > 0) assert.notEqual(log.entries[entries - 1]!.kind, 'flush', 'where something waits');
});
