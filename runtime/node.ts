import { existsSync, readFileSync } from 'node:fs';
import { release } from 'node:os';
import { dirname, join } from 'node:path';
import { native } from '../native/index.js';
import { openBoard } from './board/index.js';
import {
  KeptTime,
  kernelBootId,
  machineId,
  type RuntimeClock,
  systemClock,
  systemWallClock,
} from './clock/index.js';
import { startCommitLog } from './commit-log.js';
import { formatProblem, type NodeConfig, type UplinkConfig } from './config/index.js';
import { ControlServer, controlPath } from './control.js';
import { readFleetKeys } from './fleet-keys.js';
import { forecastHere, forecastLines } from './forecast.js';
import { lastEnd, openService, type Service, statusLine } from './health/index.js';
import { type Identity, IdentityError, loadIdentity } from './identity.js';
import { createLog, type Log, type LogSink } from './log.js';
import { version } from './package.js';
import { createPipeline, type Pipeline } from './pipeline.js';
import { openStore, type Store, StoreError, type StoreOptions, storeDefaults } from './store/index.js';
import { createUplink, mqttJs } from './uplink/index.js';

export interface RunningNode {
  stop(why: string): Promise<void>;
}

/** A whole node on the real world: opens everything that the configuration names, and starts it; or rejects, and nothing stays open. */
export async function openNode(config: NodeConfig): Promise<RunningNode> {
  const clock = systemClock();
  const { log, sink } = createLog(config.logLevel, () => clock.nowNs());
  const identity = loadIdentity(config.identityPath);
  log('info', 'node', `cairn ${version()}: node ${config.name} (${identity.node}) on ${config.board.title}`);
  const service = openService({
    environment: process.env,
    pid: process.pid,
    clock,
    send: native.notify,
    log: (level, text) => log(level, 'service', text),
  });
  const ended = lastEnd(process.env.RUNTIME_DIRECTORY, readIfThere);
  if (ended) log('warn', 'service', `the last run ended by ${ended}`);
  const opened: (() => unknown)[] = [() => service?.stopping('it could not start')];
  try {
    const { pipeline, control } = await openStages(config, { clock, identity, log, sink, service }, opened);
    pipeline.start();
    service?.running({
      isStuck: () => pipeline.isStuck(),
      statusLine: () => statusLine(pipeline.status()),
    });
    return {
      stop: async (why) => {
        log('info', 'node', `${why}: stopping`);
        service?.stopping(why);
        await control.stop();
        await pipeline.stop();
      },
    };
  } catch (error) {
    for (const close of opened.reverse()) await tried(close, log);
    throw error;
  }
}

async function tried(close: () => unknown, log: Log): Promise<void> {
  try {
    await close();
  } catch (error) {
    log('warn', 'node', `not closed: ${(error as Error).message}`);
  }
}

interface Stages {
  readonly pipeline: Pipeline;
  readonly control: ControlServer;
}

interface Around {
  readonly clock: RuntimeClock;
  readonly identity: Identity;
  readonly log: Log;
  readonly sink: LogSink;
  /** Absent where no service manager started the node. */
  readonly service: Service | undefined;
}

/** Left to right; `opened` gets how each is closed again. */
async function openStages(config: NodeConfig, around: Around, opened: (() => unknown)[]): Promise<Stages> {
  const { clock, identity, log, sink } = around;
  const path = controlPath(config.store.path);
  const cast = await forecastHere(config);
  log(cast.isWornOut ? 'warn' : 'info', 'store', forecastLines(config, cast).join('; '));
  const store = await openNodeStore(config, around);
  opened.push(
    () => store.close(),
    () => sink.detach(),
  );
  startCommitLog(store, log);
  const kept = new KeptTime({
    file: join(dirname(config.store.path), 'clock'),
    certificates: [config.uplink?.ca, config.uplink?.certificate],
    wall: systemWallClock(),
    log: (level, text) => log(level, 'clock', text),
  });
  const board = await openBoard(config, {
    clock,
    native,
    random: Math.random,
    log: (level, text) => log(level, 'board', text),
  });
  opened.push(() => board.close());
  for (const choice of board.choices) log('info', 'board', choice);
  const pipeline = createPipeline({
    config,
    board,
    store,
    native,
    clock,
    wall: systemWallClock(),
    keepTime: (wallNs) => kept.atLeast(wallNs),
    random: Math.random,
    log,
    logSink: sink,
    ...uplinkOf(config.uplink, identity, store, log),
  });
  opened.push(() => pipeline.stop());
  const control = new ControlServer({
    path,
    answer: (command) =>
      command === 'status' ? pipeline.status() : { error: `no such request: ${command}` },
    log: (level, text) => log(level, 'control', text),
  });
  opened.push(() => control.stop());
  await control.start();
  return { pipeline, control };
}

/** How long to wait for a disk that refuses, at the most. */
const DISK_RETRY_MAX_MS = 30_000;

function openNodeStore(config: NodeConfig, { identity, log, service }: Around): Promise<Store> {
  const options = {
    ...config.store,
    node: identity.node,
    machineId: machineId(),
    bootId: kernelBootId(),
    software: software(),
    deps: storeDefaults((level, text) => log(level, 'store', text)),
  };
  return openPatiently(options, (waitMs, error) => {
    log('error', 'store', `${error.message}; trying again in ${waitMs / 1000} s`);
    service?.waitsFor(`the disk: ${error.message}`);
  });
}

/** A disk that is full or read-only at the start is waited for: a node that exits would only be started again. */
async function openPatiently(
  options: StoreOptions,
  onRefusal: (waitMs: number, error: StoreError) => void,
): Promise<Store> {
  for (let waitMs = 1_000; ; waitMs = Math.min(2 * waitMs, DISK_RETRY_MAX_MS)) {
    try {
      return await openStore(options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'io') throw error;
      onRefusal(waitMs, error);
      await systemClock().delay(waitMs);
    }
  }
}

function uplinkOf(config: UplinkConfig | undefined, identity: Identity, store: Store, log: Log) {
  if (!config) return {};
  const { keys, problems } = readFleetKeys(config);
  if (problems.length > 0) throw new IdentityError(problems.map(formatProblem).join('\n'));
  const uplink = createUplink({
    config,
    node: identity.node,
    store,
    clock: systemClock(),
    connect: mqttJs(config, systemClock()),
    random: Math.random,
    log: (level, text) => log(level, 'uplink', text),
    software: software(),
    fleetKeys: keys,
  });
  return { uplink };
}

function software(): string {
  return `cairn ${version()}, Linux ${release()}, Node ${process.versions.node}`;
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
