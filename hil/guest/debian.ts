import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Arch, archs } from '../machine/arch.js';
import { freshFolder, run, say } from '../shell.js';

/**
 * Debian's packages for an architecture, from the sources that this machine has, but by an apt state of its own below `cache`: a foreign
 * architecture changes nothing here, and what was there stays the same until the cache is deleted. Nothing is installed.
 */
export class Debian {
  readonly #folder: string;

  constructor(
    readonly arch: Arch,
    cache: string,
  ) {
    this.#folder = join(cache, `apt-${arch}`);
    if (!existsSync(this.#folder)) this.#update();
  }

  /** The packages that one depends on. */
  depends(name: string): readonly string[] {
    return [...this.#apt('apt-cache', ['depends', name]).matchAll(/Depends: ([a-z0-9][\w.+-]*)/g)].map(
      (match) => match[1]!,
    );
  }

  versionOf(name: string): string {
    const found = /Candidate: (\d\S*)/.exec(this.#apt('apt-cache', ['policy', name]));
    if (!found) throw new Error(`apt has no ${name} for ${this.arch}: are there Debian sources in /etc/apt?`);
    return found[1]!;
  }

  /** Unpacks these packages into a folder. */
  unpack(names: readonly string[], to: string): void {
    const debs = freshFolder(`${to}.debs`);
    this.#apt('apt-get', ['download', ...names], debs);
    unpackAll(debs, to);
  }

  /** The same with all that they depend on. */
  unpackClosure(names: readonly string[], to: string): void {
    const debs = freshFolder(`${to}.debs`);
    mkdirSync(join(debs, 'partial'));
    const flags = ['-y', '-qq', '--download-only', '--no-install-recommends'];
    this.#apt('apt-get', ['install', ...flags, '-o', `Dir::Cache::archives=${debs}`, ...names]);
    unpackAll(debs, to);
  }

  #update(): void {
    say(`reading the package lists of Debian ${this.arch}`);
    const made = freshFolder(`${this.#folder}.new`);
    for (const path of ['state/lists/partial', 'cache/archives/partial'])
      mkdirSync(join(made, path), { recursive: true });
    writeFileSync(join(made, 'status'), '');
    writeFileSync(join(made, 'apt.conf'), configOf(this.arch, made));
    const env = { APT_CONFIG: join(made, 'apt.conf') };
    const failed = attempt(() => run('apt-get', ['update', '-qq'], { env }));
    // One source of many may fail; what counts is that Debian's own was read.
    const unknown = attempt(() => run('apt-cache', ['show', archs[this.arch].kernelPackage], { env }));
    if (unknown) throw failed ?? unknown;
    writeFileSync(join(made, 'apt.conf'), configOf(this.arch, this.#folder));
    renameSync(made, this.#folder);
  }

  #apt(program: string, args: readonly string[], cwd?: string): string {
    const env = { APT_CONFIG: join(this.#folder, 'apt.conf') };
    return run(program, args, { env, ...(cwd === undefined ? {} : { cwd }) });
  }
}

function attempt(task: () => void): Error | undefined {
  try {
    task();
    return undefined;
  } catch (error) {
    return error as Error;
  }
}

function configOf(arch: Arch, folder: string): string {
  return [
    `APT::Architecture "${arch}";`,
    `APT::Architectures { "${arch}"; };`,
    'APT::Sandbox::User "root";',
    `Dir::State "${folder}/state";`,
    `Dir::State::status "${folder}/status";`,
    `Dir::Cache "${folder}/cache";`,
    '',
  ].join('\n');
}

function unpackAll(debs: string, to: string): void {
  mkdirSync(to, { recursive: true });
  for (const name of readdirSync(debs).filter((file) => file.endsWith('.deb')))
    run('dpkg', ['-x', join(debs, name), to]);
  rmSync(debs, { recursive: true });
}
