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
import { dirname, join } from 'node:path';
import type { Arch } from '../machine/arch.js';
import { disk } from '../machine/qemu.js';
import { say } from '../shell.js';
import { debianRoot } from './debian.js';
import { makeDataImage, makeRootImage } from './disk.js';
import { makeInitrd } from './initrd.js';
import { type ImageFile, nodeFiles } from './node-file.js';
import { makeRoot } from './root.js';
import { freshFolder, hash, installRuntime, nodeBinary } from './runtime.js';

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
  /** The one-time secret, where no owner's key was given. */
  readonly secret?: string;
  readonly manifest: string;
}

export interface ImageOptions {
  readonly arch: Arch;
  readonly nodeFile: string;
  /** A file with the owner's public key (PEM). */
  readonly ownerKey?: string;
  /** Where what is downloaded and built is kept between builds. */
  readonly cache: string;
  /** Where the image's files go. Nothing is built again where they came from the same parts. */
  readonly out: string;
  /** Files that the image carries beside its own. */
  readonly extra?: readonly ImageFile[];
  /** Takes Debian's newest packages instead of the cached ones. */
  readonly fresh?: boolean;
}

const APPEND = [
  'ro',
  'quiet',
  'audit=0',
  'loglevel=4',
  'panic=10',
  'fsck.repair=yes',
  'systemd.gpt_auto=0',
  'systemd.show_status=auto',
];
const DATA_OWNER = '900:900';

/** The project's folder and where its TypeScript was compiled to, from wherever this file lies. */
function places(): { project: string; dist: string } {
  const dist = dirname(dirname(import.meta.dirname));
  let project = dist;
  while (!existsSync(join(project, 'package-lock.json'))) project = dirname(project);
  return { project, dist };
}

/** Builds a node's image, or returns the one that is there where nothing has changed. */
export async function buildImage(options: ImageOptions): Promise<NodeImage> {
  const { arch, cache, out } = options;
  const { project, dist } = places();
  mkdirSync(cache, { recursive: true });
  mkdirSync(out, { recursive: true });
  const startMs = performance.now();
  const debian = debianRoot(arch, cache, options.fresh ?? false);
  const work = freshFolder(join(cache, `work-${process.pid}`));
  try {
    const runtime = join(work, 'runtime');
    installRuntime(arch, cache, { project, dist }, runtime);
    const { files } = nodeFiles(options.nodeFile, project);
    const owner = ownerFiles(options.ownerKey);
    const all = [...files, ...owner, ...(options.extra ?? [])];
    const key = hash([
      debian.key,
      JSON.stringify(all),
      ...contents(runtime),
      ...contents(join(project, 'hil/node-image')),
      ...contents(join(project, 'install')),
    ]);
    const version = (JSON.parse(readFileSync(join(project, 'package.json'), 'utf8')) as { version: string })
      .version;
    const image = imageAt(arch, out, version);
    if (builtFrom(image.manifest) === key) return image;
    const node = nodeBinary(arch, cache);
    const root = join(work, 'root');
    makeRoot({ debian, project, node: join(node.folder, 'bin/node'), runtime, version, files: all }, root);
    makeInitrd(root, debian.release, join(project, 'hil/node-image/init'), work, image.initrd);
    copyFileSync(join(debian.kernel, 'boot', `vmlinuz-${debian.release}`), image.kernel);
    makeRootImage(root, `${image.root}.draft`);
    makeDataImage(DATA_OWNER, image.emptyData);
    renameSync(`${image.root}.draft`, image.root);
    writeFileSync(image.manifest, JSON.stringify({ key, version, arch }));
    say(`node image for ${arch} built in ${((performance.now() - startMs) / 1000).toFixed(1)} s: ${out}`);
    return image;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** QEMU's arguments for an image's two disks; `data` is a copy of `emptyData`. */
export function nodeDisks(image: NodeImage, data: string): readonly string[] {
  return [
    ...disk('root', image.root, { readonly: true, serial: 'root' }),
    ...disk('data', data, { serial: 'data' }),
  ];
}

function imageAt(arch: Arch, out: string, version: string): NodeImage {
  const at = (name: string) => join(out, `cairn-${arch}.${name}`);
  return {
    arch,
    version,
    kernel: at('linux'),
    initrd: at('initrd'),
    append: APPEND,
    root: at('root.ext4'),
    emptyData: at('data.ext4'),
    manifest: at('manifest.json'),
  };
}

function builtFrom(manifest: string): string | undefined {
  if (!existsSync(manifest)) return undefined;
  return (JSON.parse(readFileSync(manifest, 'utf8')) as { key?: string }).key;
}

function ownerFiles(ownerKey: string | undefined): readonly ImageFile[] {
  return ownerKey === undefined
    ? []
    : [{ path: '/etc/cairn/owner.pub', text: readFileSync(ownerKey, 'utf8') }];
}

function contents(folder: string): readonly (string | Buffer)[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .sort()
    .filter((path) => statSync(join(folder, path)).isFile())
    .flatMap((path) => [path, readFileSync(join(folder, path))]);
}
