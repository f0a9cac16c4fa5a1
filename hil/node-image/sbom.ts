import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A component of CycloneDX 1.5, as far as an image says something of it. */
export interface Component {
  readonly type: 'library' | 'application' | 'operating-system' | 'firmware' | 'platform';
  readonly name: string;
  readonly version: string;
  readonly 'bom-ref': string;
  readonly purl?: string;
  readonly description?: string;
  readonly licenses?: readonly ({ license: { name: string } } | { expression: string })[];
  readonly hashes?: readonly { alg: string; content: string }[];
  readonly components?: readonly Component[];
}

export interface BomParts {
  /** The root's folder. */
  readonly root: string;
  /** Where the runtime lies in it. */
  readonly runtime: string;
  readonly version: string;
  readonly arch: string;
  readonly node: string;
  readonly kernel: { readonly release: string; readonly version: string };
  /** 32 hexadecimal digits: the same parts give the same serial number. */
  readonly key: string;
}

/** What an image is made of: https://cyclonedx.org/docs/1.5/json/. No time in it, so that equal images have equal ones. */
export function makeBom(parts: BomParts): object {
  const { version, arch, node, kernel } = parts;
  return {
    $schema: 'http://cyclonedx.org/schema/bom-1.5.schema.json',
    bomFormat: 'CycloneDX',
    specVersion: '1.5',
    serialNumber: `urn:uuid:${parts.key.replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*/, '$1-$2-5$3-8$4-$5')}`,
    version: 1,
    metadata: {
      component: { type: 'firmware', name: `cairn-node-image-${arch}`, version, 'bom-ref': 'image' },
    },
    components: [
      linux(kernel, arch),
      {
        type: 'platform',
        name: 'node',
        version: node,
        'bom-ref': `node@${node}`,
        purl: `pkg:generic/node@${node}`,
        licenses: [{ expression: 'MIT' }],
      },
      cairn(version),
      ...npmPackages(join(parts.root, parts.runtime)),
      ...debianPackages(parts.root),
    ],
  };
}

function linux(kernel: BomParts['kernel'], arch: string): Component {
  const name = `linux-image-${kernel.release}`;
  return {
    type: 'operating-system',
    name,
    version: kernel.version,
    'bom-ref': `deb:${name}`,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(kernel.version)}?arch=${arch}&distro=bookworm`,
    licenses: [{ expression: 'GPL-2.0-only' }],
  };
}

function cairn(version: string): Component {
  const licenses = [{ expression: 'Apache-2.0' }];
  const addon: Component = {
    type: 'library',
    name: 'cairn-native',
    version,
    'bom-ref': 'cairn-native',
    description: 'the C of cairn behind Node-API',
    licenses,
  };
  return {
    type: 'application',
    name: 'cairn',
    version,
    'bom-ref': 'cairn',
    purl: `pkg:npm/cairn@${version}`,
    licenses,
    components: [addon],
  };
}

/** LevelDB and Snappy as classic-level compiles them in (its deps/ folder; LevelDB's db.h says 1.20). */
const INSIDE: Readonly<Record<string, readonly Component[]>> = {
  'classic-level': [
    {
      type: 'library',
      name: 'leveldb',
      version: '1.20',
      'bom-ref': 'leveldb',
      licenses: [{ expression: 'BSD-3-Clause' }],
    },
    {
      type: 'library',
      name: 'snappy',
      version: '1.1.4',
      'bom-ref': 'snappy',
      licenses: [{ expression: 'BSD-3-Clause' }],
    },
  ],
};

/** What lies in node_modules, whatever the lock file says, with the lock file's checksums. */
function npmPackages(runtime: string): readonly Component[] {
  const lock = JSON.parse(readFileSync(join(runtime, 'package-lock.json'), 'utf8')) as {
    packages: Record<string, { integrity?: string }>;
  };
  const modules = join(runtime, 'node_modules');
  return readdirSync(modules, { recursive: true, encoding: 'utf8' })
    .filter((path) => /^(.*\/node_modules\/)?(@[^/]+\/)?[^/@]+\/package\.json$/.test(path))
    .sort()
    .map((path) =>
      npmPackage(
        join(modules, path),
        lock.packages[`node_modules/${path.slice(0, -'/package.json'.length)}`],
      ),
    );
}

function npmPackage(file: string, locked: { integrity?: string } | undefined): Component {
  const about = JSON.parse(readFileSync(file, 'utf8')) as {
    name: string;
    version: string;
    license?: unknown;
  };
  const [scope, name] = about.name.startsWith('@') ? about.name.split('/') : ['', about.name];
  const purl = `pkg:npm/${scope ? `${encodeURIComponent(scope)}/` : ''}${name}@${about.version}`;
  const sha512 = /^sha512-(.+)$/.exec(locked?.integrity ?? '')?.[1];
  const inside = INSIDE[about.name];
  return {
    type: 'library',
    name: about.name,
    version: about.version,
    'bom-ref': `${purl}#${file.slice(file.indexOf('node_modules'))}`,
    purl,
    ...(typeof about.license === 'string' ? { licenses: [{ expression: about.license }] } : {}),
    ...(sha512
      ? { hashes: [{ alg: 'SHA-512', content: Buffer.from(sha512, 'base64').toString('hex') }] }
      : {}),
    ...(inside ? { components: inside } : {}),
  };
}

/** deb-control(5) paragraphs of dpkg's status file. */
function debianPackages(root: string): readonly Component[] {
  const status = readFileSync(join(root, 'var/lib/dpkg/status'), 'utf8');
  return status
    .split('\n\n')
    .map((paragraph) => (name: string) => new RegExp(`^${name}: (.*)$`, 'm').exec(paragraph)?.[1] ?? '')
    .filter((field) => field('Status').endsWith(' installed'))
    .map((field): Component => {
      const [name, version, arch] = [field('Package'), field('Version'), field('Architecture')];
      const licenses = debianLicences(join(root, 'usr/share/doc', name, 'copyright'));
      return {
        type: 'library',
        name,
        version,
        'bom-ref': `deb:${name}`,
        purl: `pkg:deb/debian/${encodeURIComponent(name)}@${encodeURIComponent(version)}?arch=${arch}&distro=bookworm`,
        ...(licenses.length > 0 ? { licenses } : {}),
      };
    });
}

/** The short names in a machine-readable copyright file (DEP-5); none where it is prose. */
function debianLicences(path: string): readonly { license: { name: string } }[] {
  if (!existsSync(path)) return [];
  const text = readFileSync(path, 'utf8');
  if (!/^Format: /m.test(text)) return [];
  const names = [...text.matchAll(/^License: *(\S.*)$/gm)].map((found) => found[1]?.trim() ?? '');
  return [...new Set(names)].sort().map((name) => ({ license: { name } }));
}
