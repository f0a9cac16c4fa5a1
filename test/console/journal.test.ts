import assert from 'node:assert/strict';
import { createHash, createPublicKey, generateKeyPairSync, verify as verifySignature } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import fc from 'fast-check';
import {
  diskAt,
  type Happening,
  Journal,
  type JournalDisk,
  type JournalPorts,
  open,
  verify,
} from '../../runtime/console/journal/index.js';
import { signHead } from '../../runtime/head-signature.js';

const node = generateKeyPairSync('ed25519');
const ROE = { role: 'technician', name: 'A. Roe' } as const;
const command = (line: string): Happening => ({ e: 'command', ...ROE, line, exit: 0, ms: 12 });
const SESSION: readonly Happening[] = [
  { e: 'refused', why: 'expired' },
  { e: 'begin', ...ROE },
  command('status'),
  command('read climate "übersicht"'),
  { e: 'end', ...ROE, why: 'idle' },
];

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-journal-'));
  t.after(() => rmSync(folder, { recursive: true }));
  return join(folder, 'ttyS0');
}

/** A node that signs, unless it is down. */
function portsOf(change: Partial<JournalPorts> = {}) {
  const seen = { isUp: true, said: [] as string[], bootMs: 0 };
  const ports: JournalPorts = {
    now: () => ({ boot: 'b1', bootMs: ++seen.bootMs }),
    sign: async (head) => (seen.isUp ? signHead(head, node.privateKey) : undefined),
    log: (text) => seen.said.push(text),
    ...change,
  };
  return { seen, ports };
}

async function write(folder: string, happenings: readonly Happening[], change: Partial<JournalPorts> = {}) {
  const journal = open(folder, portsOf(change).ports);
  for (const each of happenings) await journal.append(each);
  return { journal, head: await journal.head() };
}

const verdictOf = (folder: string) => verify(diskAt(folder), node.publicKey);
const kindsOf = async (journal: Journal) => (await journal.entries()).map(({ e }) => e);
const fileOf = (folder: string, i = 0) => join(folder, readdirSync(folder).sort()[i]!);

test('a session is kept: numbers, hashes and signature as another tool computes them', async (t) => {
  const folder = folderFor(t);
  const { journal, head } = await write(folder, SESSION);
  const entries = await journal.entries();
  assert.deepEqual(
    entries.map(({ e }) => e),
    [...SESSION.map(({ e }) => e), 'signed'],
  );
  const lines = readFileSync(fileOf(folder), 'utf8').trimEnd().split('\n');
  const hashes = lines.map((line) => createHash('sha256').update(line).digest('hex'));
  assert.deepEqual(
    entries.map(({ before }) => before),
    ['0'.repeat(64), ...hashes.slice(0, -1)],
  );
  assert.deepEqual([head.number, head.hash], [6, hashes[5]]);
  assert.deepEqual([head.signed?.number, head.signed?.hash], [5, hashes[4]]);
  const signed = Buffer.concat([Buffer.from('cairn console journal\n'), Buffer.from(hashes[4]!, 'hex')]);
  const signature = Buffer.from(head.signed!.signature, 'base64');
  assert.ok(verifySignature(null, signed, createPublicKey(node.privateKey), signature));
  const { before: _, ...fourth } = entries[3]!;
  assert.deepEqual(fourth, { n: 4, boot: 'b1', bootMs: 4, ...SESSION[3] });
});

test('the next process goes on where the last one ended', async (t) => {
  const folder = folderFor(t);
  await write(folder, SESSION);
  const { journal } = await write(folder, SESSION);
  assert.deepEqual(
    (await journal.entries(7)).map(({ n }) => n),
    [7, 8, 9, 10, 11, 12],
  );
  const verdict = { first: 1, last: 12, signedTo: 11, tornBytes: 0, problem: undefined };
  assert.deepEqual(await verdictOf(folder), verdict);
});

test('a node that is down signs later: at the next end, or when the journal is opened', async (t) => {
  const folder = folderFor(t);
  await write(folder, SESSION, { sign: async () => undefined });
  assert.equal((await verdictOf(folder)).signedTo, 0);
  const { ports, seen } = portsOf();
  const journal = open(folder, ports);
  await journal.head();
  assert.equal((await verdictOf(folder)).signedTo, 5);
  seen.isUp = false;
  for (let i = 0; i < 20; i++) await journal.append(command(`${i}`));
  seen.isUp = true;
  for (let i = 0; i < 12; i++) await journal.append(command(`${i}`));
  await journal.head();
  assert.equal((await verdictOf(folder)).signedTo, 6 + 32, 'every sixteenth asks');
  const broken = open(folder, portsOf({ sign: () => Promise.reject(new Error('no such request')) }).ports);
  await broken.append(command('x'));
  assert.equal(await broken.seal(), false);
  const { ports: odd, seen: told } = portsOf({ sign: async () => new Uint8Array(63) });
  assert.equal(await new Journal(diskAt(folder), odd).seal(), false);
  assert.match(told.said.join(), /can't be signed: what the node answered is no signature/);
});

test('cut at any byte: whole entries stay, what is torn is dropped and said, the chain goes on', async (t) => {
  const folder = folderFor(t);
  await write(folder, SESSION);
  const whole = readFileSync(fileOf(folder));
  const name = fileOf(folder);
  for (let size = 0; size < whole.length; size++) {
    writeFileSync(name, whole.subarray(0, size));
    const kept = whole.subarray(0, size).filter((byte) => byte === 10).length;
    const torn = size - (whole.lastIndexOf(10, size - 1) + 1) * (size > 0 ? 1 : 0);
    const before = await verdictOf(folder);
    assert.deepEqual(
      [before.last, before.tornBytes, before.problem],
      [kept, torn, undefined],
      `${size} bytes`,
    );
    const { journal } = await write(folder, [command('after')], { sign: async () => undefined });
    const added = (await journal.entries(kept + 1)).map((entry) =>
      entry.e === 'torn' ? entry.bytes : entry.e,
    );
    assert.deepEqual(added, torn > 0 ? [torn, 'command'] : ['command'], `${size} bytes`);
    const after = await verdictOf(folder);
    assert.deepEqual([after.problem, after.tornBytes], [undefined, 0], `${size} bytes`);
  }
});

test('a tail of zeros or noise, as a file system may leave it, is torn', async (t) => {
  const folder = folderFor(t);
  await write(folder, SESSION);
  const whole = readFileSync(fileOf(folder));
  for (const tail of [Buffer.alloc(4096), Buffer.from('\n\n{}\n{"n":7}\n'), Buffer.alloc(300, 10)]) {
    writeFileSync(fileOf(folder), Buffer.concat([whole, tail]));
    const { journal } = await write(folder, [command('after')], { sign: async () => undefined });
    const [note] = await journal.entries(7);
    assert.deepEqual(note?.e === 'torn' && note.bytes, tail.length);
    const { problem, last, tornBytes } = await verdictOf(folder);
    assert.deepEqual([problem, last, tornBytes], [undefined, 8, 0]);
  }
});

test('any bit changed, an entry taken out, put in, swapped: found, up to where the node signed', async (t) => {
  const folder = folderFor(t);
  await write(folder, SESSION);
  const name = fileOf(folder);
  const whole = readFileSync(name);
  const signedBytes = whole.lastIndexOf(10, whole.length - 2) + 1;
  for (let bit = 0; bit < signedBytes * 8; bit++) {
    const changed = Buffer.from(whole);
    changed[bit >> 3]! ^= 1 << (bit & 7);
    writeFileSync(name, changed);
    const { problem, signedTo } = await verdictOf(folder);
    assert.ok(problem, `bit ${bit}`);
    assert.equal(signedTo, 0);
  }
  const lines = whole.toString().trimEnd().split('\n');
  const kindOf = async (changed: readonly string[]) => {
    writeFileSync(name, `${changed.join('\n')}\n`);
    return (await verdictOf(folder)).problem?.kind;
  };
  assert.equal(await kindOf(lines), undefined);
  assert.equal(await kindOf(lines.toSpliced(2, 1)), 'missing');
  assert.equal(await kindOf(lines.toSpliced(2, 0, lines[1]!)), 'missing');
  assert.equal(await kindOf(lines.with(2, lines[2]!.replace('status', 'reboot'))), 'changed');
  assert.equal(await kindOf(lines.with(2, 'noise')), 'malformed');
  const other = generateKeyPairSync('ed25519');
  assert.equal((await verify(diskAt(folder), other.publicKey)).problem?.kind, 'malformed');
  await kindOf(lines);
  assert.equal((await verify(diskAt(folder), other.publicKey)).problem?.kind, 'signature');
});

test('1 MiB at most, at every moment; the oldest go first, and it is said', async (t) => {
  const folder = folderFor(t);
  const { ports } = portsOf({ sign: async () => undefined });
  const journal = open(folder, ports);
  let largest = 0;
  const long = 'x'.repeat(5000);
  for (let i = 0; i < 1200; i++) {
    await journal.append(command(long));
    const sizes = readdirSync(folder).map((name) => statSync(join(folder, name)).size);
    largest = Math.max(
      largest,
      sizes.reduce((a, b) => a + b),
    );
  }
  t.diagnostic(`${largest} bytes at most`);
  assert.ok(largest <= 1 << 20 && largest > 1_000_000);
  const entries = await journal.entries();
  const { first, last, problem } = await verdictOf(folder);
  assert.deepEqual([problem, last - first + 1], [undefined, entries.length]);
  assert.ok(first > 1);
  assert.deepEqual(
    entries
      .filter(({ e }) => e === 'trimmed')
      .map((entry) => entry.e === 'trimmed' && entry.first)
      .at(-1),
    first,
  );
  assert.equal((entries[0] as { line?: string }).line?.length, 1024, 'a line is cut');
});

test('a segment that was begun and not written is begun again', async (t) => {
  for (const left of ['', '{"n":', 'noise\n']) {
    const folder = folderFor(t);
    await write(folder, SESSION);
    writeFileSync(join(folder, '0000000007.jsonl'), left);
    const { journal } = await write(folder, [command('after')], { sign: async () => undefined });
    assert.deepEqual(readdirSync(folder).sort(), ['0000000001.jsonl', '0000000007.jsonl']);
    assert.deepEqual((await kindsOf(journal)).slice(6), left === '' ? ['command'] : ['torn', 'command']);
    assert.equal((await verdictOf(folder)).problem, undefined);
  }
});

/** A disk of bytes in memory that stops writing in the middle, as long as it is told to. */
function faultyDisk() {
  const files = new Map<string, Buffer>();
  const state = { roomBytes: Number.POSITIVE_INFINITY, files };
  const disk: JournalDisk = {
    list: async () => [...files.keys()].sort(),
    read: async (name) => files.get(name)!,
    sizeBytes: async (name) => files.get(name)?.length ?? 0,
    write: async (name, offset, text) => {
      const bytes = Buffer.from(text);
      const before = (files.get(name) ?? Buffer.alloc(0)).subarray(0, offset);
      files.set(name, Buffer.concat([before, bytes.subarray(0, state.roomBytes)]));
      if (bytes.length > state.roomBytes) throw new Error('ENOSPC');
    },
    remove: async (name) => void files.delete(name),
  };
  return { disk, state };
}

test('a disk that refuses holds nobody up; how many were lost is said when it takes again', async () => {
  const { disk, state } = faultyDisk();
  const { ports, seen } = portsOf();
  const journal = new Journal(disk, ports);
  await journal.append(SESSION[1]!);
  state.roomBytes = 40;
  for (let i = 0; i < 5; i++) assert.equal(await journal.append(command(`${i}`)), false);
  assert.equal(seen.said.length, 1);
  state.roomBytes = Number.POSITIVE_INFINITY;
  assert.equal(await journal.append(command('again')), true);
  const entries = await journal.entries();
  assert.deepEqual(
    entries.map(({ e }) => e),
    ['begin', 'torn', 'lost', 'command'],
  );
  assert.equal(entries[2]?.e === 'lost' && entries[2].entries, 5);
  assert.equal((await verify(disk, node.publicKey)).problem, undefined);
});

test('a disk that hangs fills no memory: 64 wait, the rest is counted', async () => {
  const { disk } = faultyDisk();
  let free = () => undefined as undefined;
  const hung = new Promise<void>((resolve) => {
    free = () => void resolve() as undefined;
  });
  const journal = new Journal({ ...disk, list: () => hung.then(disk.list) }, portsOf().ports);
  const appended = Array.from({ length: 100 }, (_, i) => journal.append(command(`${i}`)));
  free();
  assert.equal((await Promise.all(appended)).filter(Boolean).length, 64);
  await journal.append(command('after'));
  const lost = (await journal.entries()).filter(({ e }) => e === 'lost');
  assert.deepEqual(
    lost.map((entry) => entry.e === 'lost' && entry.entries),
    [36],
  );
});

test('whatever fails when: the chain is whole, and kept plus lost is appended', async () => {
  const step = fc.record({
    roomBytes: fc.option(fc.nat(400), { nil: Number.POSITIVE_INFINITY }),
    isUp: fc.boolean(),
    opens: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { disk, state } = faultyDisk();
      const { ports, seen } = portsOf();
      let journal = new Journal(disk, ports);
      let kept = 0;
      for (const { roomBytes, isUp, opens } of steps) {
        [state.roomBytes, seen.isUp] = [roomBytes, isUp];
        if (opens) journal = new Journal(disk, ports);
        if (await journal.append(command('x'))) kept++;
        await journal.seal();
      }
      state.roomBytes = Number.POSITIVE_INFINITY;
      await journal.append(command('last'));
      const entries = await journal.entries();
      assert.equal(entries.filter(({ e }) => e === 'command').length, kept + 1);
      const { problem, tornBytes } = await verify(disk, node.publicKey);
      assert.deepEqual([problem, tornBytes], [undefined, 0]);
    }),
  );
});

test('a folder that cannot be read is told, and no open fails', async (t) => {
  const folder = folderFor(t);
  mkdirSync(join(folder, '..'), { recursive: true });
  writeFileSync(folder, 'a file');
  const { ports, seen } = portsOf();
  const journal = open(folder, ports);
  assert.equal(await journal.append(command('x')), false);
  assert.match(seen.said.join('\n'), /ENOTDIR/);
  await assert.rejects(journal.head(), /ENOTDIR/);
  assert.ok(existsSync(folder));
});
