import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { test } from 'node:test';
import fc from 'fast-check';
import { refuseLeak } from '../../../runtime/console/bundle/pack.js';
import { Secrets } from '../../../runtime/console/bundle/secrets.js';

const secret = fc
  .string({ minLength: 8, maxLength: 40, unit: 'grapheme' })
  .filter((text) => text === text.trim());
const around = fc.string({ maxLength: 50 });

/** As texts show it: plain, in JSON, in JSON in JSON, in a URL, in hex, in base64 of something longer. */
const SHOWN: Readonly<Record<string, (value: string, before: string, after: string) => string>> = {
  plain: (value, before, after) => `${before}${value}${after}`,
  json: (value, before, after) => JSON.stringify({ text: `${before}${value}${after}` }),
  'json in json': (value) => JSON.stringify(JSON.stringify({ value })),
  url: (value, before) => `${before}?x=${encodeURIComponent(value)}`,
  hex: (value) => Buffer.from(value).toString('hex'),
  base64: (value) => Buffer.from(value).toString('base64'),
  'base64 of more': (value, before, after) => Buffer.from(`${before}${value}${after}`).toString('base64'),
  base64url: (value, before, after) => Buffer.from(`${before}${value}${after}`).toString('base64url'),
};

for (const [form, shown] of Object.entries(SHOWN))
  test(`a known secret is taken out, and seen where it stays: ${form}`, () => {
    fc.assert(
      fc.property(secret, around, around, (value, before, after) => {
        const secrets = new Secrets();
        secrets.add('the password', value);
        const text = shown(value, before, after);
        assert.equal(secrets.leakIn(Buffer.from(text)), 'the password');
        assert.equal(secrets.leakIn(Buffer.from(secrets.redact(text))), undefined);
      }),
      { numRuns: 300 },
    );
  });

test('a private key goes whole, and by any line of it', () => {
  const pem = generateKeyPairSync('ed25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  const body = pem.split('\n')[1]!;
  const secrets = new Secrets();
  assert.equal(secrets.redact(`a ${pem} b`), 'a [redacted]\n b');
  secrets.add('node.key', pem);
  assert.equal(secrets.leakIn(Buffer.from(`log: ${body}`)), 'node.key');
  assert.equal(secrets.redact(`log: ${body}.`), 'log: [redacted].');
  // The key itself is the last 32 of its 48 bytes (RFC 8410 §7).
  const seed = Buffer.from(body, 'base64').subarray(16);
  assert.equal(secrets.leakIn(Buffer.from(seed.toString('hex'))), 'node.key');
  assert.equal(secrets.leakIn(Buffer.from(seed.toString('base64'))), 'node.key');
});

test('what is a secret by its place goes, known or not; where a secret is may be told', () => {
  const secrets = new Secrets();
  const cases: readonly (readonly [string, string])[] = [
    ['url: mqtts://kim:hunter2@broker:8883', 'url: mqtts://[redacted]@broker:8883'],
    ['  password: hunter2', '  password: [redacted]'],
    ["password: 'hunter 2' # old", "password: '[redacted]' # old"],
    ['wifi_psk="hunter 2"', 'wifi_psk="[redacted]"'],
    ['{ password: hunter2, window: 3 }', '{ password: [redacted], window: 3 }'],
    ['{"apiKey":"hunter2","n":1}', '{"apiKey":"[redacted]","n":1}'],
    [
      String.raw`{"text":"said \"token\": \"hunter2\" twice"}`,
      String.raw`{"text":"said \"token\": \"[redacted]\" twice"}`,
    ],
    ['{"text":"password: hunter2"}', '{"text":"password: [redacted]"}'],
    ['# password: hunter2', '# password: [redacted]'],
    ['password: |\n    hunter2\nnext: 1', 'password: |\n  [redacted]\nnext: 1'],
    ['key: hunter2', 'key: [redacted]'],
    ['eth0 b8:27:eb:01:02:03 up', 'eth0 [address] up'],
    ['password: { file: /etc/cairn/secrets/mqtt }', 'password: { file: /etc/cairn/secrets/mqtt }'],
    ['password:\n  file: /etc/cairn/pw', 'password:\n  file: /etc/cairn/pw'],
    ['fleetKeys: [{ file: /etc/cairn/fleet.pub }]', 'fleetKeys: [{ file: /etc/cairn/fleet.pub }]'],
    ['url: mqtt://127.0.0.1:1883', 'url: mqtt://127.0.0.1:1883'],
  ];
  for (const [text, clean] of cases) assert.equal(secrets.redact(text), clean);
});

test('what stands in a configuration where no secret should is known from then on', () => {
  const secrets = new Secrets();
  secrets.learn(
    'node.yaml',
    'url: mqtt://kim:hunt%40er@broker\npassword: swordfish\n# token = "open sesame"\npsk: |\n  long winded\n',
  );
  for (const text of ['hunt%40er', 'hunt@er', 'swordfish', 'open sesame', 'long winded'])
    assert.equal(secrets.redact(`refused: ${text}.`), 'refused: [redacted].', text);
});

test('a bundle with a secret in it is refused, by a name that gives nothing away', () => {
  const secrets = new Secrets();
  secrets.add('/etc/cairn/secrets/mqtt', 'swordfish');
  assert.doesNotThrow(() => refuseLeak({ name: 'log.jsonl', bytes: Buffer.from('all is well') }, secrets));
  const leak = { name: 'log.jsonl', bytes: Buffer.from(`x${Buffer.from('xswordfish!').toString('base64')}`) };
  assert.throws(
    () => refuseLeak(leak, secrets),
    (error: Error) =>
      /log\.jsonl would hold a secret \(\/etc\/cairn\/secrets\/mqtt\)/.test(error.message) &&
      !/swordfish/.test(error.message),
  );
  assert.throws(() => refuseLeak({ name: 'swordfish', bytes: Buffer.alloc(0) }, secrets));
});

test('a secret of three characters is counted, and looked for nowhere', () => {
  const secrets = new Secrets();
  secrets.add('the password', 'abc');
  assert.equal(secrets.tooShort, 1);
  assert.equal(secrets.redact('abc; password: abc'), 'abc; password: [redacted]');
});
