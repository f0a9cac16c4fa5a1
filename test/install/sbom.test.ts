import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { type Component, makeBom } from '../../hil/node-image/sbom.js';

const FILES: Readonly<Record<string, string>> = {
  'var/lib/dpkg/status': `Package: zlib1g
Status: install ok installed
Architecture: amd64
Version: 1:1.2.13.dfsg-1
Description: compression library
 Version: not a field

Package: gone
Status: deinstall ok config-files
Architecture: amd64
Version: 1.0
`,
  'usr/share/doc/zlib1g/copyright':
    'Format: https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/\n\nFiles: *\nLicense: Zlib\n\nFiles: debian/*\nLicense: Zlib\n',
  'opt/cairn/package-lock.json': JSON.stringify({
    packages: {
      'node_modules/classic-level': { integrity: `sha512-${Buffer.alloc(64, 1).toString('base64')}` },
    },
  }),
  'opt/cairn/node_modules/classic-level/package.json':
    '{"name":"classic-level","version":"3.0.0","license":"MIT"}',
  'opt/cairn/node_modules/@scope/name/package.json':
    '{"name":"@scope/name","version":"1.2.3","license":"ISC"}',
  'opt/cairn/node_modules/@scope/name/node_modules/inner/package.json': '{"name":"inner","version":"2.0.0"}',
  'opt/cairn/node_modules/classic-level/dist/package.json': '{"type":"commonjs"}',
};

function bom(): { components: readonly Component[]; serialNumber: string } {
  const root = mkdtempSync(join(tmpdir(), 'cairn-bom-'));
  try {
    for (const [path, text] of Object.entries(FILES)) {
      mkdirSync(dirname(join(root, path)), { recursive: true });
      writeFileSync(join(root, path), text);
    }
    return makeBom({
      ...{ root, runtime: 'opt/cairn', version: '0.1.0', arch: 'amd64', node: '24.21.0' },
      kernel: { release: '6.1.0-56-amd64', version: '6.1.192-2' },
      key: '0123456789abcdef0123456789abcdef',
    }) as ReturnType<typeof bom>;
  } finally {
    rmSync(root, { recursive: true });
  }
}

test('it names what is installed, with versions, package URLs and licences', () => {
  const { components } = bom();
  const of = (name: string) => components.find((component) => component.name === name);
  assert.equal(of('zlib1g')?.purl, 'pkg:deb/debian/zlib1g@1%3A1.2.13.dfsg-1?arch=amd64&distro=bookworm');
  assert.deepEqual(of('zlib1g')?.licenses, [{ license: { name: 'Zlib' } }]);
  assert.equal(of('gone'), undefined);
  assert.equal(of('@scope/name')?.purl, 'pkg:npm/%40scope/name@1.2.3');
  assert.equal(of('inner')?.version, '2.0.0');
  const level = of('classic-level');
  assert.equal(level?.hashes?.[0]?.content, '01'.repeat(64));
  assert.deepEqual(
    level?.components?.map(({ name, version }) => `${name} ${version}`),
    ['leveldb 1.20', 'snappy 1.1.4'],
  );
  for (const name of ['cairn', 'node', 'linux-image-6.1.0-56-amd64']) assert.ok(of(name), name);
  const refs = components.map((component) => component['bom-ref']);
  assert.equal(new Set(refs).size, refs.length);
});

test('the same parts have the same serial number, of the kind that RFC 9562 calls a name’s', () => {
  assert.match(
    bom().serialNumber,
    /^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  assert.deepEqual(bom(), bom());
});

interface Cyclone {
  readonly Validation: {
    readonly JsonStrictValidator: new (version: string) => { validate(text: string): Promise<unknown> };
  };
}

test('the schema of CycloneDX takes it', async (t) => {
  const library = '@cyclonedx/cyclonedx-library';
  const found: Cyclone | undefined = await import(library).catch(() => undefined);
  if (!found) return t.skip(`${library} is not installed (with ajv, ajv-formats, ajv-formats-draft2019)`);
  assert.equal(await new found.Validation.JsonStrictValidator('1.5').validate(JSON.stringify(bom())), null);
});
