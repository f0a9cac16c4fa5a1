import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { open } from '../../runtime/console/journal/index.js';
import { runCommand } from '../../runtime/console/table.js';
import { controlPath } from '../../runtime/control.js';
import { ControlServer } from '../../runtime/control-server.js';
import { answerSign, askToSign, isHeadSignedBy } from '../../runtime/head-signature.js';
import { callingOf } from '../support/calling.js';
import {
  CHALLENGE,
  GRANT,
  NODE,
  NOTICE,
  OWNERS_ANSWER,
  owner,
  TECHNICIAN_ID,
  TECHNICIANS_ANSWER,
  technician,
} from './grant-vectors.js';

/** A folder with everybody's keys; `run` runs a command there and tells what was said. */
function desk(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-desk-'));
  t.after(() => rmSync(folder, { recursive: true }));
  const at = (name: string) => join(folder, name);
  for (const [name, { privateKey, publicKey }] of Object.entries({ owner, technician })) {
    writeFileSync(at(`${name}.key`), privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
    writeFileSync(at(`${name}.pub`), publicKey.export({ type: 'spki', format: 'pem' }));
  }
  const run = async (words: readonly string[], change: Parameters<typeof callingOf>[1] = {}) => {
    const said = { out: [] as string[], err: [] as string[] };
    const calling = callingOf(
      { out: (text) => said.out.push(text), err: (text) => said.err.push(text) },
      change,
    );
    const exit = await runCommand(words, calling);
    return { exit, out: said.out.join('\n'), err: said.err.join('\n') };
  };
  return { at, run };
}

const MAKE = ['--role', 'technician', '--name', 'A. Roe', '--epoch', '7', '--node', NODE];

test('grant make, answer, grant revoke, grants: from the desk to the node', async (t) => {
  const { at, run } = desk(t);
  const [key, to] = [at('owner.key'), at('technician.pub')];
  const made = await run(['grant', 'make', '--key', key, '--to', to, ...MAKE, '--out', at('roe.grant')]);
  assert.deepEqual([made.exit, made.out], [0, '']);
  assert.equal(readFileSync(at('roe.grant'), 'utf8'), `${GRANT}\n`);
  assert.match(
    made.err,
    new RegExp(`holder ${TECHNICIAN_ID}, role technician, node ${NODE}, name A. Roe, epoch 7`),
  );

  const notice = await run(['grant', 'revoke', to, '--key', key, '--epoch', '8']);
  assert.equal(notice.out, NOTICE);
  writeFileSync(at('notice'), `${notice.out}\n`);

  assert.equal((await run(['answer', CHALLENGE, '--key', key])).out, OWNERS_ANSWER);
  const answered = await run([
    ...['answer', CHALLENGE, '--key', at('technician.key'), '--grant', at('roe.grant')],
    ...['--notice', at('notice')],
  ]);
  assert.equal(answered.out, `${NOTICE}\n${TECHNICIANS_ANSWER}`);

  const node = ['--state', at('console')];
  const asViewer = { caller: { role: 'viewer', name: 'Visitor' } } as const;
  assert.match((await run(['grants', ...node], asViewer)).out, /No grant or notice/);
  const accept = ['grants', 'accept', NOTICE, ...node, '--owner-key', at('owner.pub')];
  assert.equal((await run(accept, asViewer)).exit, 0);
  assert.match(
    (await run(['grants', ...node], asViewer)).out,
    new RegExp(`epoch 8: .*\nrevoked: ${TECHNICIAN_ID}`),
  );
});

test('what is wrong at the desk is said there, and nothing is made', async (t) => {
  const { at, run } = desk(t);
  const key = ['--key', at('owner.key')];
  const to = ['--to', at('technician.pub')];
  writeFileSync(at('roe.grant'), GRANT);
  const elsewhere = CHALLENGE.replace(NODE, '0123456789abcdef');
  const cases: readonly (readonly [words: readonly string[], told: RegExp])[] = [
    [['grant', 'make', ...to, ...MAKE], /--key is wanted/],
    [
      ['grant', 'make', ...key, ...to, ...MAKE, '--role', 'boss'],
      /--role is one of viewer, technician, owner/,
    ],
    [['grant', 'make', ...key, ...to, ...MAKE, '--epoch', '0'], /epochs begin at 1/],
    [['grant', 'make', ...key, ...to, ...MAKE, '--name', ''], /1 to 64 printable/],
    [['grant', 'make', ...key, ...to, ...MAKE, '--node', 'x'], /16 hexadecimal/],
    [['grant', 'make', ...key, '--to', at('owner.key'), ...MAKE], /a private key, which stays/],
    [['grant', 'make', ...key, '--to', at('none'), ...MAKE], /ENOENT/],
    [['grant', 'revoke', ...key], /--epoch is wanted/],
    [
      ['answer', CHALLENGE, ...key, '--grant', at('roe.grant')],
      /the grant is for the key 39f7.*yours is 21fe/,
    ],
    [
      ['answer', elsewhere, '--key', at('technician.key'), '--grant', at('roe.grant')],
      /for node 0011.*0123.* asks/,
    ],
    [['answer', CHALLENGE, ...key, '--notice', at('roe.grant')], /no notice/],
    [['answer', 'c1.x', ...key], /a challenge looks like/],
    [['grants', 'accept', GRANT, '--state', at('s'), '--owner-key', at('owner.pub')], /a notice is n1\./],
    [['grants', 'accept', NOTICE, '--state', at('s'), '--owner-key', at('technician.pub')], /not believed/],
    [['grants', 'accept', NOTICE, '--state', at('s'), '--owner-key', at('none')], /no owner's key/],
  ];
  for (const [words, told] of cases) {
    const { exit, err, out } = await run(words);
    assert.deepEqual([exit, out], [2, ''], words.join(' '));
    assert.match(err, told);
  }
  assert.ok(!existsSync(at('s')), 'nothing was kept');
});

test('openssl agrees that the owner signed the grant', async (t) => {
  if (spawnSync('openssl', ['version']).status !== 0) return t.skip('openssl absent');
  const { at, run } = desk(t);
  const made = await run([
    'grant',
    'make',
    '--key',
    at('owner.key'),
    '--to',
    at('technician.pub'),
    ...MAKE,
    '--json',
  ]);
  const bytes = Buffer.from(JSON.parse(made.out).grant.slice(3), 'base64url');
  // RFC 9052 §4.4 by hand: ["Signature1", protected header of 13 bytes, "cairn/1/grant", payload of 64 bytes].
  const [header, payload, signature] = [bytes.subarray(3, 16), bytes.subarray(19, 83), bytes.subarray(85)];
  assert.deepEqual([payload.length, signature.length], [64, 64]);
  const signed = [
    Buffer.of(0x84, 0x6a),
    'Signature1',
    Buffer.of(0x4d),
    header,
    Buffer.of(0x4d),
    'cairn/1/grant',
    Buffer.of(0x58, 64),
    payload,
  ];
  writeFileSync(at('signed'), Buffer.concat(signed.map((piece) => Buffer.from(piece as string))));
  writeFileSync(at('signature'), signature);
  const checked = spawnSync('openssl', [
    ...['pkeyutl', '-verify', '-rawin', '-pubin', '-inkey', at('owner.pub')],
    ...['-in', at('signed'), '-sigfile', at('signature')],
  ]);
  assert.equal(checked.status, 0, String(checked.stdout));
});

test('journal: shown to a technician, verified against the key of the node, which signs over its socket', async (t) => {
  const { at, run } = desk(t);
  const node = generateKeyPairSync('ed25519');
  mkdirSync(at('identity'));
  writeFileSync(at('identity/node.pub'), node.publicKey.export({ type: 'spki', format: 'pem' }));
  const socket = controlPath(at('store'));
  const answer = (_name: string, params: unknown) => answerSign(params, node.privateKey);
  const server = new ControlServer({ path: socket, answer, log: () => undefined });
  await server.start();
  t.after(() => server.stop());
  const head = Buffer.alloc(32, 7);
  assert.ok(isHeadSignedBy(head, (await askToSign(socket, head))!, node.publicKey));
  await assert.rejects(askToSign(socket, head.subarray(1)), /nothing is signed but 32 bytes/);
  assert.equal(await askToSign(at('nobody'), head), undefined);

  const words = ['journal', '--state', at('state')];
  assert.equal((await run(words)).exit, 1, 'none yet');
  const journal = open(at('state/journal/ttyS0'), {
    now: () => ({ boot: 'b0071d00-1', bootMs: 12_345 }),
    sign: (bytes) => askToSign(socket, bytes),
    log: assert.fail,
  });
  const roe = { role: 'technician', name: 'A. Roe' } as const;
  await journal.append({ e: 'begin', ...roe });
  await journal.append({ e: 'command', ...roe, line: 'status \x1b[2J', exit: 0, ms: 40 });
  await journal.append({ e: 'end', ...roe, why: 'hang-up' });
  await journal.head();
  const viewer = { caller: { role: 'viewer', name: 'V' } } as const;
  assert.equal((await run(words, viewer)).exit, 4);
  const shown = await run(words, { caller: roe });
  assert.match(
    shown.out,
    /ttyS0 2 {2}boot b0071d00 \+ 12\.3 s {2}technician A\. Roe: status \?\[2J {2}\(exit 0, 40 ms\)/,
  );
  assert.match(shown.out, /4 .*signed by the node/);
  const verified = [...words, '--verify', '--identity', at('identity')];
  const whole = await run(verified);
  assert.deepEqual(
    [whole.exit, whole.out],
    [0, 'ttyS0: entries 1 to 4 are whole\n  signed by the node up to 3'],
  );
  const file = at('state/journal/ttyS0/0000000001.jsonl');
  writeFileSync(file, readFileSync(file, 'utf8').replace('status', 'reboot'));
  const changed = await run(verified);
  assert.equal(changed.exit, 1);
  assert.match(changed.out, /ttyS0: WRONG: entry 3 .*that one was changed/);
  assert.equal((await run([...words, 'ttyS9'])).exit, 2);
});
