import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { TestContext } from 'node:test';
import { root } from '../../house/imports.js';

export const COMPOSE = join(root, 'install/compose');

/** For `{ skip }`: false, or the reason by name. */
export function without(tool: string): string | false {
  return existsSync(`/usr/bin/${tool}`) ? false : `${tool} is not installed`;
}

export function read(name: string): string {
  return readFileSync(join(COMPOSE, name), 'utf8');
}

type Test = Pick<TestContext, 'after'>;

export function newFolder(t: Test): string {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-compose-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** What secrets.sh makes, for a fleet on this machine. */
export function makeSecrets(folder: string, name = 'localhost'): string {
  execFileSync(join(COMPOSE, 'secrets.sh'), [name], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  return join(folder, 'secrets');
}

/** The program as it is in its image: what the last stage of the Dockerfile copies, and nothing else. */
export function imageOf(folder: string): string {
  const last = read('Dockerfile')
    .split(/^FROM /m)
    .at(-1)!;
  for (const [, from, to] of last.matchAll(/^COPY --from=build \/src\/(\S+) (\S+)$/gm)) {
    assertThere(join(root, from!));
    cpSync(join(root, from!), join(folder, to!), { recursive: true });
  }
  symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
  return join(folder, 'bin/cairn-fleet');
}

function assertThere(path: string): void {
  if (!existsSync(path))
    throw new Error(`the Dockerfile copies ${path}, which is not there: ${dirname(path)}`);
}
