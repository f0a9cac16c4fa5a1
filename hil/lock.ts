import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { say } from './shell.js';

/** Writes who holds it, says so, and stays until its standard input ends: with its parent, however that ends. */
const HOLD = 'echo "$1" >"$2"; echo held; cat >/dev/null';

/** Who waits longer is told why. */
const PATIENCE_MS = 2000;

/** A lock is held by somebody who lives. */
export class Locked extends Error {}

/**
 * Takes a lock that the kernel keeps (flock): one whose holder is dead is nobody's. Throws Locked at once where another has it, unless it
 * is waited for. Returns what lets it go.
 */
export async function lock(file: string, options: { readonly wait?: boolean } = {}): Promise<() => void> {
  mkdirSync(dirname(file), { recursive: true });
  const flags = options.wait ? [] : ['--nonblock'];
  const holder = `process ${process.pid} since ${new Date().toISOString()}`;
  const child = spawn('flock', [...flags, '--no-fork', file, 'sh', '-c', HOLD, 'sh', holder, file], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const patience = setTimeout(() => say(`waiting for ${file}, held by ${holderOf(file)}`), PATIENCE_MS);
  const held = await Promise.race([
    once(child.stdout, 'data').then(() => true),
    once(child, 'exit').then(() => false),
  ]);
  clearTimeout(patience);
  if (!held) throw new Locked(`${file} is held by ${holderOf(file)}`);
  child.unref();
  (child.stdin as unknown as { unref(): void }).unref();
  (child.stdout as unknown as { unref(): void }).unref();
  return () => void child.stdin.end();
}

function holderOf(file: string): string {
  return readFileSync(file, 'utf8').trim() || 'somebody';
}
