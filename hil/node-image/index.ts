import { createHash, randomBytes } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { secretRecord, secretText } from '../../runtime/console/login/secret.js';
import { parsePublicKey } from '../../runtime/identity.js';
import { keyIdOf } from '../../wire/index.js';
import { type Arch, archs } from '../machine/arch.js';
import { disk } from '../machine/qemu.js';
import { freshFolder, run, say } from '../shell.js';
import { type Debian, debianRoot } from './debian.js';
import { makeDataImage, makeDisk, makeRootImage } from './disk.js';
import { makeInitrd } from './initrd.js';
import { type ImageFile, nodeFiles } from './node-file.js';
import { makeRoot, RUNTIME } from './root.js';
import { type BuiltParts, buildParts, hash, installRuntime } from './runtime.js';
import { makeBom } from './sbom.js';

export type { ImageFile } from './node-file.js';

/** A bootable node. All paths are files of the host. */
export interface NodeImage {
  readonly arch: Arch;
  readonly version: string;
  readonly kernel: string;
  readonly initrd: string;
  /** Words of the kernel's command line. */
  readonly append: readonly string[];
  /** A raw disk, mounted read-only: guests may share it. */
  readonly root: string;
  /** A raw disk with an empty ext4 labelled cairn-data: copy it (sparse) for each guest. */
  readonly emptyData: string;
  /** One GPT disk of all of them that boots under UEFI; only where it was asked for. */
  readonly disk: string;
  /** The one-time secret, where no owner's key was given. */
  readonly secret?: string;
  /** CycloneDX 1.5, JSON. */
  readonly sbom: string;
  readonly manifest: string;
}

export interface ImageOptions {
  readonly arch: Arch;
  readonly nodeFile: string;
  /** A file with the owner's public key (PEM). */
  readonly ownerKey?: string;
  /** The one-time secret where no owner's key is given; a random one when absent, and then nothing can be reused. */
  readonly secret?: string;
  /** Where what is downloaded and built is kept between builds. */
  readonly cache: string;
  /** Where the image's files go. Nothing is built again where they came from the same parts. */
  readonly out: string;
  /** Files that the image carries beside its own. */
  readonly extra?: readonly ImageFile[];
  /** Takes Debian's newest packages instead of the cached ones. */
  readonly fresh?: boolean;
  /** Speed of the serial line, one of BAUDS; 115200 when absent. */
  readonly baud?: number;
  /** Makes `disk` too. */
  readonly wholeDisk?: boolean;
}

/** Speeds of the serial line; those after the first come by a BREAK (root/usr/lib/cairn/console). */
export const BAUDS = [115_200, 57_600, 38_400, 19_200, 9_600] as const;
const APPEND = [
  ...['ro', 'quiet', 'loglevel=4', 'audit=0', 'panic=10'],
  // A unit that fails says so in the journal: the line is for whoever is on the console.
  ...['systemd.gpt_auto=0', 'systemd.show_status=no'],
];
/** sysusers.d/00-cairn-image.conf. */
const DATA_OWNER = '900:900';
const SECRET_BYTES = 16;
const SALT_BYTES = 16;

interface Parts {
  readonly project: string;
  readonly dist: string;
  readonly debian: Debian;
  readonly built: BuiltParts;
  readonly files: readonly ImageFile[];
  readonly key: string;
}

/** Builds a node's image, or returns the one that is there where nothing has changed. */
export async function buildImage(options: ImageOptions): Promise<NodeImage> {
  const startMs = performance.now();
  mkdirSync(options.cache, { recursive: true });
  mkdirSync(options.out, { recursive: true });
  const owner = ownerOf(options);
  const { parts, nodeName } = gather(options, owner);
  const image = imageAt(options, versionOf(parts.project), owner.secret);
  if (builtFrom(image.manifest) === parts.key) return image;
  const work = freshFolder(join(options.cache, `work-${process.pid}`));
  const drafts = freshFolder(join(options.out, `.draft-${process.pid}`));
  try {
    const draft = imageAt({ ...options, out: drafts }, image.version, owner.secret);
    assemble(parts, draft, options, work);
    const about = { node: nodeName, owner: owner.shown, ...aboutOf(parts, draft, options) };
    writeFileSync(draft.manifest, `${JSON.stringify(about, undefined, 2)}\n`);
    // Whole files only, and the manifest that vouches for them last; a guest that runs keeps the ones it has opened.
    rmSync(image.manifest, { force: true });
    const names = readdirSync(drafts).filter((name) => name !== basename(image.manifest));
    for (const name of [...names, basename(image.manifest)])
      renameSync(join(drafts, name), join(options.out, name));
  } finally {
    for (const folder of [work, drafts]) rmSync(folder, { recursive: true, force: true });
  }
  say(`node image for ${options.arch} built in ${((performance.now() - startMs) / 1000).toFixed(1)} s`);
  return image;
}

/** All that an image is made of, and a key that changes with any of it. */
function gather(options: ImageOptions, owner: Owner): { parts: Parts; nodeName: string } {
  const { arch, cache, extra = [] } = options;
  const { project, dist } = places();
  const { files, config } = nodeFiles(options.nodeFile, project);
  const debian = debianRoot(arch, cache, options.fresh ?? false);
  const built = buildParts(arch, cache, project);
  const described = [
    debian.key,
    built.packages,
    built.addon,
    owner.key,
    options.baud ?? BAUDS[0],
    options.wholeDisk ?? false,
    files,
    extra,
  ];
  const sources = [
    ...['runtime', 'drivers', 'native', 'wire'].map((name) => join(dist, name)),
    ...['bin', 'board-configs', 'hil/node-image', 'install'].map((name) => join(project, name)),
  ].flatMap(contents);
  const manifest = readFileSync(join(project, 'package.json'));
  const key = hash([JSON.stringify(described), manifest, ...sources]);
  return {
    parts: { project, dist, debian, built, files: [...files, owner.file, ...extra], key },
    nodeName: config.name,
  };
}

/** QEMU's arguments for an image's two disks; `data` is a copy of `emptyData`. */
export function nodeDisks(image: NodeImage, data: string): readonly string[] {
  const root = disk('root', image.root, { readonly: true, serial: 'root' });
  return [...root, ...disk('data', data, { serial: 'data' })];
}

/** The project's folder, and where its TypeScript was compiled to, from wherever this file lies. */
export function places(): { project: string; dist: string } {
  const dist = dirname(dirname(import.meta.dirname));
  let project = dist;
  while (!existsSync(join(project, 'package-lock.json'))) project = dirname(project);
  return { project, dist };
}

function versionOf(project: string): string {
  return (JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string }).version;
}

function assemble(parts: Parts, image: NodeImage, options: ImageOptions, work: string): void {
  const { debian, project } = parts;
  const root = join(work, 'root');
  const runtime = join(work, 'runtime');
  const node = join(parts.built.node.folder, 'bin/node');
  installRuntime(image.arch, parts.built, parts, runtime);
  makeRoot({ ...parts, arch: image.arch, version: image.version, node, runtime }, root);
  makeInitrd(root, debian.release, join(project, 'hil/node-image/init'), work, image.initrd);
  copyFileSync(join(debian.kernel, 'boot', `vmlinuz-${debian.release}`), image.kernel);
  const bom = makeBom({
    root,
    runtime: RUNTIME,
    version: image.version,
    arch: image.arch,
    node: parts.built.node.version,
    kernel: { release: debian.release, version: debian.kernelVersion },
    key: createHash('sha256').update(parts.key).digest('hex').slice(0, 32),
  });
  writeFileSync(image.sbom, `${JSON.stringify(bom, undefined, 2)}\n`);
  makeRootImage(root, image.root);
  makeDataImage(DATA_OWNER, image.emptyData);
  if (options.wholeDisk) makeDisk({ ...image, data: image.emptyData, rootFolder: root }, work, image.disk);
}

function imageAt(options: ImageOptions, version: string, secret: string | undefined): NodeImage {
  const at = (name: string) => join(options.out, `cairn-${options.arch}.${name}`);
  return {
    arch: options.arch,
    version,
    kernel: at('linux'),
    initrd: at('initrd'),
    // Without a speed the kernel takes one of its own, which differs from driver to driver.
    append: [`console=${archs[options.arch].console},${options.baud ?? BAUDS[0]}`, ...APPEND],
    root: at('root.ext4'),
    emptyData: at('data.ext4'),
    disk: at('img'),
    sbom: at('cdx.json'),
    manifest: at('manifest.json'),
    ...(secret === undefined ? {} : { secret }),
  };
}

function builtFrom(manifest: string): string | undefined {
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { key?: string }).key;
}

/** What the manifest tells: what the image was made of, and the checksum of each file. */
function aboutOf(parts: Parts, image: NodeImage, options: ImageOptions): object {
  const files = [image.kernel, image.initrd, image.root, image.emptyData, image.sbom];
  const listed = options.wholeDisk ? [image.disk, ...files] : files;
  const unit = join(parts.project, 'install/cairn.service');
  const exposure = /level for \S+ (\d+\.\d)/.exec(
    run('systemd-analyze', ['security', '--offline=true', unit]).replaceAll(':', ''),
  )?.[1];
  return {
    key: parts.key,
    version: image.version,
    arch: image.arch,
    debian: 'bookworm',
    kernel: parts.debian.release,
    nodejs: parts.built.node.version,
    exposure: Number(exposure),
    append: image.append,
    files: Object.fromEntries(
      listed.map((file) => [
        basename(file),
        { sha256: run('sha256sum', [file]).slice(0, 64), bytes: statSync(file).size },
      ]),
    ),
  };
}

interface Owner {
  readonly file: ImageFile;
  /** Tells one owner from another, for the image's key. */
  readonly key: string;
  /** For the manifest. */
  readonly shown: string;
  readonly secret: string | undefined;
}

/** Who may log in: an owner's key, or whoever has the one-time secret; never nobody, and never a password. */
function ownerOf({ ownerKey, secret }: ImageOptions): Owner {
  if (ownerKey !== undefined) {
    const text = readFileSync(ownerKey, 'utf8');
    const shown = `key ${keyIdOf(parsePublicKey(ownerKey, text))}`;
    return { file: { path: '/etc/cairn/owner.pub', text }, key: text, shown, secret: undefined };
  }
  const words = secret ?? secretText(randomBytes(SECRET_BYTES));
  const text = `${secretRecord(words, randomBytes(SALT_BYTES))}\n`;
  const file = { path: '/etc/cairn/console.secret', text, mode: 0o440, owner: 'root:owner' };
  return { file, key: words, shown: 'one-time secret', secret: words };
}

function contents(folder: string): readonly (string | Buffer)[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((path) => statSync(join(folder, path), { throwIfNoEntry: false })?.isFile())
    .flatMap((path) => [path, readFileSync(join(folder, path))]);
}
