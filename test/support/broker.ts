import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Where Debian and others put it; `undefined`: not installed. */
export const MOSQUITTO = ['/usr/sbin/mosquitto', '/usr/bin/mosquitto', '/usr/local/sbin/mosquitto'].find(
  (path) => existsSync(path),
);

/** For `{ skip }`: false, or the reason by name. */
export const WITHOUT_MOSQUITTO = MOSQUITTO ? false : 'mosquitto is not installed';

/** A TCP port on loopback that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export interface Mosquitto {
  readonly port: number;
  readonly url: string;
  readonly folder: string;
  /** `undefined` while it doesn't run. */
  readonly pid: number | undefined;
  /** SIGTERM (saves its database) or SIGKILL; resolves when it is gone. */
  kill(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** The same port, configuration and database again. */
  start(): Promise<void>;
  /** Ends it and removes its folder. */
  remove(): Promise<void>;
}

/** A real broker on a free loopback port, persistence on, unlimited queues; `extra` is appended to its configuration. */
export async function startMosquitto(extra: readonly string[] = [], tls?: TlsFiles): Promise<Mosquitto> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-mosquitto-'));
  const port = await freePort();
  const config = [
    `listener ${port} 127.0.0.1`,
    ...(tls ? [`cafile ${tls.ca}`, `certfile ${tls.certificate}`, `keyfile ${tls.key}`] : []),
    'allow_anonymous true',
    'persistence true',
    `persistence_location ${folder}/`,
    // Saved at SIGTERM only: a save a change would slow every test.
    'autosave_interval 0',
    'max_queued_messages 0',
    ...(process.getuid?.() === 0 ? ['user root'] : []),
    ...extra,
  ];
  const file = join(folder, 'mosquitto.conf');
  writeFileSync(file, `${config.join('\n')}\n`);
  const broker = new RunningMosquitto(file, folder, port, tls ? 'mqtts' : 'mqtt');
  await broker.start();
  return broker;
}

class RunningMosquitto implements Mosquitto {
  readonly url: string;
  #child: ChildProcess | undefined;
  #said = '';

  constructor(
    private readonly file: string,
    readonly folder: string,
    readonly port: number,
    scheme: string,
  ) {
    this.url = `${scheme}://127.0.0.1:${port}`;
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  async start(): Promise<void> {
    const child = spawn(MOSQUITTO ?? 'mosquitto', ['-c', this.file], { stdio: ['ignore', 'ignore', 'pipe'] });
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#said = (this.#said + chunk).slice(-4000);
    });
    this.#child = child;
    for (let tries = 0; tries < 200; tries++) {
      if (child.exitCode !== null) break;
      if (await answers(this.port)) return;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
    throw new Error(`mosquitto did not start: ${this.#said}`);
  }

  async kill(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const gone = once(child, 'exit');
    child.kill(signal);
    await gone;
  }

  async remove(): Promise<void> {
    await this.kill('SIGKILL');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', () => resolve(false));
  });
}

export interface TlsFiles {
  readonly ca: string;
  readonly certificate: string;
  readonly key: string;
}

export interface TestCa {
  readonly ca: string;
  /** A certificate for a name, signed by this CA; `days` from now until it ends (negative: it has ended). */
  issue(name: string, days?: number): TlsFiles;
}

/** A CA of this test's own, made by openssl below `folder`. */
export function makeCa(folder: string): TestCa {
  mkdirSync(folder, { recursive: true });
  const key = join(folder, 'ca.key');
  const ca = join(folder, 'ca.pem');
  openssl('req', '-x509', ...newKey(key), '-out', ca, '-days', '30', '-subj', '/CN=Cairn test CA');
  let serial = 0;
  const issue = (name: string, days = 30): TlsFiles => {
    const stem = join(folder, `${name}-${++serial}`);
    const files = { ca, certificate: `${stem}.pem`, key: `${stem}.key` };
    const san = /^[\d.]+$/.test(name) ? `IP:${name}` : `DNS:${name}`;
    writeFileSync(`${stem}.ext`, `subjectAltName=${san}\n`);
    openssl('req', ...newKey(files.key), '-out', `${stem}.csr`, '-subj', `/CN=${name}`);
    const sign = [
      'x509',
      '-req',
      '-in',
      `${stem}.csr`,
      '-CA',
      ca,
      '-CAkey',
      key,
      '-set_serial',
      String(serial),
    ];
    openssl(...sign, '-days', String(days), '-extfile', `${stem}.ext`, '-out', files.certificate);
    return files;
  };
  return { ca, issue };
}

/** A certificate for 127.0.0.1 that only its own key vouches for. */
export function selfSigned(stem: string): Pick<TlsFiles, 'certificate' | 'key'> {
  const [certificate, key] = [`${stem}.pem`, `${stem}.key`];
  const name = ['-subj', '/CN=127.0.0.1', '-addext', 'subjectAltName=IP:127.0.0.1'];
  openssl('req', '-x509', ...newKey(key), '-out', certificate, '-days', '30', ...name);
  return { certificate, key };
}

function newKey(out: string): string[] {
  return ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', out];
}

function openssl(...args: string[]): void {
  execFileSync('openssl', args, { stdio: ['ignore', 'ignore', 'pipe'] });
}
