import { type ChildProcess, spawn } from 'node:child_process';
import { createPublicKey, type KeyObject } from 'node:crypto';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { root } from '../../house/imports.js';
import { freePort, startMosquitto } from '../../support/broker.js';
import { startPostgres } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import { startSink } from '../alerts/sink.js';

/** Each can be taken away, and comes back as it was. */
export interface Part {
  stop(): Promise<void>;
  start(): Promise<void>;
}

export type PartName = 'database' | 'broker' | 'mail' | 'process';

/** A fleet in a process of its own, with real servers. */
export interface World {
  readonly web: string;
  readonly brokerUrl: string;
  readonly databaseUrl: string;
  readonly fleetKey: KeyObject;
  readonly mails: readonly { readonly messageId: string; readonly source: string }[];
  readonly parts: Readonly<Record<PartName, Part>>;
  /** The last lines that the process said. */
  said(): string;
}

/** `kills`: how often it has been stopped decides between a clean end and SIGKILL. */
export async function makeWorld(t: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-outages-'));
  t.after(() => rmSync(folder, { recursive: true, force: true }));
  const postgres = await startPostgres({ synced: true });
  t.after(() => postgres.remove());
  const broker = await startMosquitto();
  t.after(() => broker.remove());
  const sink = await startSink();
  t.after(() => sink.stop());
  const databaseUrl = await postgres.database();
  const webPort = await freePort();
  const config = {
    data: join(folder, 'fleet'),
    database: databaseUrl,
    broker: { url: broker.url },
    web: { port: webPort, open: 'loopback' },
    mail: { url: `smtp://127.0.0.1:${sink.port}`, from: 'fleet@example.org' },
    tell: ['mail:night@example.org'],
  };
  writeFileSync(join(folder, 'fleet.yaml'), JSON.stringify(config));
  const fleet = new FleetProcess(folder);
  t.after(() => fleet.stop('SIGKILL'));
  await fleet.start();
  const web = `http://127.0.0.1:${webPort}`;
  const isWell = () =>
    fetch(`${web}/health`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until('the fleet is well', isWell);
  const signals = new Map<string, number>();
  /** By turns: it ends by itself, or is killed. */
  const turn = (name: PartName) => {
    const n = signals.get(name) ?? 0;
    signals.set(name, n + 1);
    return n % 2 === 1;
  };
  return {
    said: () => readFileSync(join(folder, 'fleet.log'), 'utf8').split('\n').slice(-60).join('\n'),
    ...{ web, brokerUrl: broker.url, databaseUrl, mails: sink.mails },
    fleetKey: createPublicKey(readFileSync(join(folder, 'fleet', 'fleet.pub'))),
    parts: {
      database: {
        stop: () => postgres.kill(turn('database') ? 'SIGKILL' : 'SIGINT'),
        start: () => postgres.start(),
      },
      broker: {
        stop: () => broker.kill(turn('broker') ? 'SIGKILL' : 'SIGTERM'),
        start: () => broker.start(),
      },
      mail: { stop: () => sink.stop(), start: () => sink.start() },
      process: {
        stop: () => fleet.stop(turn('process') ? 'SIGKILL' : 'SIGTERM'),
        start: () => fleet.start(),
      },
    },
  };
}

class FleetProcess {
  #child: ChildProcess | undefined;

  constructor(private readonly folder: string) {}

  async start(): Promise<void> {
    const log = openSync(join(this.folder, 'fleet.log'), 'a');
    const main = join(root, 'dist/fleet/main.js');
    this.#child = spawn(process.execPath, [main, '--config', join(this.folder, 'fleet.yaml')], {
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    await once(this.#child, 'spawn');
  }

  async stop(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    this.#child = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    child.kill(signal);
    await once(child, 'exit');
  }
}
