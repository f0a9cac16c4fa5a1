import assert from 'node:assert/strict';
import { createHash, createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { test } from 'node:test';
import {
  canonicalJson,
  openSigned,
  type Report,
  reportLines,
  seal,
  signedText,
} from '../../runtime/console/report/index.js';
import { EVENT_MAX_BYTES } from '../../runtime/events.js';
import { signHead } from '../../runtime/head-signature.js';

/** RFC 8032 §7.1, test 1: the seed behind PKCS #8's fixed head for Ed25519 (RFC 8410). */
const SEED = '9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60';
const KEY = createPrivateKey({
  key: Buffer.from(`302e020100300506032b657004220420${SEED}`, 'hex'),
  format: 'der',
  type: 'pkcs8',
});
const PUBLIC = createPublicKey(KEY);
/** The first 8 bytes of SHA-256 of its 32 (docs/wire-format.md §4.2 has it too). */
const NODE = '21fe31dfa154a261';

function reportOf(change: Partial<Report> = {}): Report {
  return {
    ...{ version: 1, node: NODE, name: 'depot', software: 'cairn 0.1.0', boot: { id: 'b', number: 3 } },
    ...{ at: { bootMs: 61_000 }, by: { role: 'technician', name: 'A. Roe' }, note: 'new "cable"\n' },
    found: { bootMs: 1000, causes: [] },
    done: { commands: [{ line: 'status', exit: 0, ms: 12 }], leftOut: 0, changes: [] },
    ...{ wrong: [], journal: null },
    ...change,
  };
}

test('the canonical form: members in order, no blanks, whole numbers only (RFC 8785 §3.2.3 sorts by UTF-16 code units)', () => {
  // The members of RFC 8785 §3.2.3's example, in the order that it gives.
  const members = { '\u20ac': 1, '\r': 2, '\ufb33': 3, '1': 4, '\ud83d\ude00': 5, '\u0080': 6, '\u00f6': 7 };
  const order = [2, 4, 6, 7, 1, 5, 3];
  const found = [...canonicalJson(members).matchAll(/":(\d)/g)].map(([, digit]) => Number(digit));
  assert.deepEqual(found, order);
  assert.equal(
    canonicalJson({ b: [1, true, null], a: { d: 'x\u001f"\\/\u007f', c: undefined } }),
    '{"a":{"d":"x\\u001f\\"\\\\/\u007f"},"b":[1,true,null]}',
  );
  assert.equal(canonicalJson('a\ud800b'), '"a\ufffdb"');
  for (const number of [0.5, Number.NaN, 2 ** 53])
    assert.throws(() => canonicalJson(number), /whole numbers/);
});

test('a report is good where another implementation’s hash and signature are, on bytes put together by hand', () => {
  const json =
    '{"at":{"bootMs":61000},"boot":{"id":"b","number":3},"by":{"name":"A. Roe","role":"technician"},' +
    '"done":{"changes":[],"commands":[{"exit":0,"line":"status","ms":12}],"leftOut":0},' +
    '"found":{"bootMs":1000,"causes":[]},"journal":null,"name":"depot","node":"21fe31dfa154a261",' +
    '"note":"new \\"cable\\"\\n","software":"cairn 0.1.0","version":1,"wrong":[]}';
  const hash = createHash('sha256').update(json, 'utf8').digest();
  const signature = sign(null, Buffer.concat([Buffer.from('cairn report\n'), hash]), KEY);
  const sealed = seal(reportOf());
  assert.equal(sealed.json, json);
  assert.deepEqual(sealed.sha256, hash);
  assert.deepEqual(Buffer.from(signHead(hash, KEY, 'report')), signature);
  const text = signedText(sealed, signature);
  assert.deepEqual(openSigned(text, PUBLIC), { report: reportOf() });
  // Blanks and the order of members are nothing.
  const { signature: last, ...first } = JSON.parse(text);
  assert.deepEqual(openSigned(JSON.stringify({ signature: last, ...first }, null, 2), PUBLIC), {
    report: reportOf(),
  });
});

test('each change is found: a digit of the report, of its hash, of its signature; a journal’s signature is none', () => {
  const sealed = seal(reportOf());
  const good = signedText(sealed, signHead(sealed.sha256, KEY, 'report'));
  const problem = (text: string) => {
    const opened = openSigned(text, PUBLIC);
    return 'problem' in opened ? opened.problem : 'none';
  };
  assert.equal(problem(good), 'none');
  assert.equal(problem(good.replace('61000', '61001')), 'changed');
  assert.equal(problem(good.replace('"exit":0', '"exit":0.5')), 'changed');
  assert.equal(problem(good.replace(/"sha256":"./, '"sha256":"x')), 'changed');
  assert.equal(problem(signedText(sealed, undefined)), 'unsigned');
  assert.equal(problem(signedText(sealed, signHead(sealed.sha256, KEY))), 'signature');
  assert.equal(problem(signedText(sealed, Buffer.alloc(64))), 'signature');
  assert.equal(problem(good.slice(1)), 'malformed');
  const other = seal(reportOf({ node: '00112233aabbccdd' }));
  assert.equal(problem(signedText(other, signHead(other.sha256, KEY, 'report'))), 'otherNode');
});

test('a long session’s report fits an event: its oldest commands are left out, and counted', () => {
  const line = '😀'.repeat(300);
  const commands = Array.from({ length: 200 }, (_, i) => ({ line: `${i} ${line}`, exit: 0, ms: i }));
  const { report, json } = seal(reportOf({ done: { commands, leftOut: 7, changes: [] } }));
  assert.ok(Buffer.byteLength(json) <= EVENT_MAX_BYTES);
  const { done } = report;
  assert.equal(done.commands.length + done.leftOut, 207);
  assert.equal(done.commands.at(-1)!.ms, 199);
  assert.ok(done.commands.length >= 25);
});

test('for people it is lines of at most 80 characters', () => {
  const cause = {
    ...{ kind: 'uplink.down', about: 'uplink', what: 'nothing leaves this node: '.repeat(5), forMs: 30_000 },
    ...{ seen: ['x'], breaks: [], do: 'y' },
  };
  const lines = reportLines(reportOf({ found: { bootMs: 1, causes: [cause, cause] } }), 80);
  assert.ok(lines.every(({ length }) => length <= 80));
  assert.ok(lines.some((text) => text.startsWith('found   uplink: nothing leaves')));
  assert.ok(lines.includes('wrong   nothing'));
  assert.ok(lines.includes('done    status  (exit 0)'));
});
