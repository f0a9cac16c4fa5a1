import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openPostgres } from '../../fleet/db/index.js';

/** Debian's; `undefined`: not installed. */
const BIN = ['/usr/lib/postgresql/15/bin', '/usr/lib/postgresql/16/bin', '/usr/lib/postgresql/17/bin'].find(
  (path) => existsSync(join(path, 'initdb')),
);

/** For `{ skip }`: false, or the reason by name. */
export const WITHOUT_POSTGRES = BIN ? false : 'postgresql-15 is not installed';

export interface Postgres {
  /** A fresh database of the server. */
  database(): Promise<string>;
  /** SIGKILL, as a power cut; or SIGINT (fast). Resolves when it is gone. */
  kill(signal?: 'SIGINT' | 'SIGKILL'): Promise<void>;
  start(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * A real server below a temporary folder, on a Unix socket there, as a user that is not root. What it wrote outlives a SIGKILL with the kernel, not a
 * power cut of the machine itself, unless it is `synced`.
 */
export async function startPostgres({ synced = false } = {}): Promise<Postgres> {
  const server = new Server(synced);
  await server.start();
  return server;
}

class Server implements Postgres {
  readonly #folder = mkdtempSync(join(tmpdir(), 'cairn-pg-'));
  readonly #user = unprivileged();
  #child: ReturnType<typeof spawn> | undefined;
  #databases = 0;

  constructor(private readonly synced: boolean) {
    if (this.#user) chownSync(this.#folder, this.#user.uid, this.#user.gid);
    execFileSync(
      join(BIN!, 'initdb'),
      ['-D', join(this.#folder, 'data'), '-U', 'fleet', '-A', 'trust', '--no-sync'],
      {
        ...this.#user,
        cwd: this.#folder,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }

  async start(): Promise<void> {
    const settings = {
      listen_addresses: '',
      unix_socket_directories: this.#folder,
      shared_buffers: '64MB',
      ...(this.synced ? {} : { fsync: 'off', full_page_writes: 'off' }),
    };
    const args = Object.entries(settings).flatMap(([name, value]) => ['-c', `${name}=${value}`]);
    this.#child = spawn(join(BIN!, 'postgres'), ['-D', join(this.#folder, 'data'), ...args], {
      ...this.#user,
      cwd: this.#folder,
      stdio: 'ignore',
    });
    await this.#answers();
  }

  async database(): Promise<string> {
    const name = `fleet${++this.#databases}`;
    const admin = openPostgres(this.#url('postgres'));
    await admin.query(`CREATE DATABASE ${name}`);
    await admin.close();
    return this.#url(name);
  }

  async kill(signal: 'SIGINT' | 'SIGKILL' = 'SIGINT'): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }

  async remove(): Promise<void> {
    await this.kill('SIGINT');
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #url(database: string): string {
    return `postgresql:///${database}?host=${encodeURIComponent(this.#folder)}&user=fleet`;
  }

  async #answers(): Promise<void> {
    const probe = openPostgres(this.#url('postgres'));
    try {
      for (let tries = 0; ; tries++) {
        try {
          await probe.query('SELECT 1');
          return;
        } catch (error) {
          if (tries > 300) throw error;
          await new Promise((resolve) => setTimeout(resolve, 100));
        }
      }
    } finally {
      await probe.close();
    }
  }
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { readonly uid: number; readonly gid: number } | undefined {
  if (process.getuid?.() !== 0) return undefined;
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}
