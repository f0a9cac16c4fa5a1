import { readFileSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { type Arch, archs } from '../machine/arch.js';
import { say } from '../shell.js';
import { BAUDS, buildImage, type ImageFile, places } from './index.js';
import { installImageTools } from './tools.js';

const USAGE = `npm run image -- --node FILE [--owner-key FILE] [--arch amd64|arm64] [--baud RATE] [--secret FILE]… [--out DIR] [--fresh]
  --node FILE       the node file that the image runs; what it includes comes along
  --owner-key FILE  the owner's public key (openssl genpkey -algorithm ed25519, then openssl pkey -pubout);
                    without it the image has a one-time secret, printed once, that lets in an owner's key
  --baud RATE       speed of the serial line: ${BAUDS.join(', ')}; default: ${BAUDS[0]}
  --secret FILE     a password or key that the node file names: /etc/cairn/secrets/<its name>, readable by the node alone;
                    whoever has the image has it too
  --out DIR         where the files go; default: .cache/image/<arch>
  --fresh           Debian's newest packages instead of the cached ones`;

interface Manifest {
  readonly version: string;
  readonly exposure: number;
  readonly files: Readonly<Record<string, { readonly sha256: string; readonly bytes: number }>>;
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      node: { type: 'string' },
      arch: { type: 'string', default: 'amd64' },
      'owner-key': { type: 'string' },
      baud: { type: 'string', default: String(BAUDS[0]) },
      secret: { type: 'string', multiple: true, default: [] },
      out: { type: 'string' },
      fresh: { type: 'boolean', default: false },
    },
  });
  const { arch, node } = values;
  const baud = BAUDS.find((each) => String(each) === values.baud);
  if (node === undefined || !isArch(arch) || baud === undefined) throw new Error(USAGE);
  installImageTools(arch);
  const cache = join(places().project, '.cache/image');
  const ownerKey = values['owner-key'];
  const image = await buildImage({
    arch,
    baud,
    nodeFile: node,
    cache,
    out: resolve(values.out ?? join(cache, arch)),
    extra: values.secret.map(secretFile),
    wholeDisk: true,
    fresh: values.fresh,
    ...(ownerKey === undefined ? {} : { ownerKey }),
  });
  const manifest = JSON.parse(readFileSync(image.manifest, 'utf8')) as Manifest;
  const lines = Object.entries(manifest.files).map(([name, { sha256 }]) => `${sha256}  ${name}`);
  const out = (text: string) => process.stdout.write(`${text}\n`);
  out(`cairn ${image.version} for ${arch}, in ${dirname(image.disk)}`);
  for (const line of lines) out(line);
  out(`SBOM (CycloneDX 1.5): ${image.sbom}`);
  out(`systemd-analyze security cairn.service: ${manifest.exposure} of 10`);
  if (image.secret !== undefined) {
    out(`one-time secret: ${image.secret}`);
    out("It is nowhere else. On the console it lets in an owner's key, once: docs/image.md.");
  }
}

function secretFile(file: string): ImageFile {
  const text = readFileSync(file, 'utf8');
  return { path: join('/etc/cairn/secrets', basename(file)), text, mode: 0o400, owner: 'cairn:cairn' };
}

function isArch(name: string): name is Arch {
  return Object.hasOwn(archs, name);
}

await main().catch((error: Error) => {
  say(error.message);
  process.exitCode = 1;
});
