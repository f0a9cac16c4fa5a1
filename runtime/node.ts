import { release } from 'node:os';
import { native } from '../native/index.js';
import { openBoard } from './board/index.js';
import { kernelBootId, machineId, systemClock, systemWallClock } from './clock/index.js';
import type { NodeConfig, UplinkConfig } from './config/index.js';
import { ControlServer, controlPath } from './control.js';
import { type Identity, loadIdentity } from './identity.js';
import { createLog, type Log } from './log.js';
import { version } from './package.js';
import { createPipeline } from './pipeline.js';
import { openStore, type Store, StoreError, type StoreOptions, storeDefaults } from './store/index.js';
import { createUplink, mqttJs } from './uplink/index.js';

export interface RunningNode {
  stop(why: string): Promise<void>;
}

/** A whole node on the real world: opens everything that the configuration names, and starts it. */
export async function openNode(config: NodeConfig): Promise<RunningNode> {
  const clock = systemClock();
  const { log, sink } = createLog(config.logLevel, () => clock.nowNs());
  const socketPath = controlPath(config.store.path);
  const identity = loadIdentity(config.identityPath);
  log('info', 'node', `cairn ${version()}: node ${config.name} (${identity.node}) on ${config.board.title}`);
  const store = await openNodeStore(config, identity, log);
  const board = await openBoard(config, {
    clock,
    native,
    random: Math.random,
    log: (level, text) => log(level, 'board', text),
  });
  for (const choice of board.choices) log('info', 'board', choice);
  const pipeline = createPipeline({
    config,
    board,
    store,
    native,
    clock,
    wall: systemWallClock(),
    random: Math.random,
    log,
    logSink: sink,
    ...uplinkOf(config.uplink, identity, store, log),
  });
  const control = new ControlServer({
    path: socketPath,
    answer: (command) =>
      command === 'status' ? pipeline.status() : { error: `no such request: ${command}` },
    log: (level, text) => log(level, 'control', text),
  });
  await control.start();
  pipeline.start();
  return {
    stop: async (why) => {
      log('info', 'node', `${why}: stopping`);
      await control.stop();
      await pipeline.stop();
    },
  };
}

/** How long to wait for a disk that refuses, at the most. */
const DISK_RETRY_MAX_MS = 30_000;

function openNodeStore(config: NodeConfig, identity: Identity, log: Log): Promise<Store> {
  return openPatiently(
    {
      ...config.store,
      node: identity.node,
      machineId: machineId(),
      bootId: kernelBootId(),
      software: software(),
      deps: storeDefaults((level, text) => log(level, 'store', text)),
    },
    log,
  );
}

/** A disk that is full or read-only at the start is waited for: a node that exits would only be started again. */
async function openPatiently(options: StoreOptions, log: Log): Promise<Store> {
  for (let waitMs = 1_000; ; waitMs = Math.min(2 * waitMs, DISK_RETRY_MAX_MS)) {
    try {
      return await openStore(options);
    } catch (error) {
      if (!(error instanceof StoreError) || error.kind !== 'io') throw error;
      log('error', 'store', `${error.message}; trying again in ${waitMs / 1000} s`);
      await systemClock().delay(waitMs);
    }
  }
}

function uplinkOf(config: UplinkConfig | undefined, identity: Identity, store: Store, log: Log) {
  if (!config) return {};
  const uplink = createUplink({
    config,
    node: identity.node,
    store,
    clock: systemClock(),
    connect: mqttJs(config),
    random: Math.random,
    log: (level, text) => log(level, 'uplink', text),
    software: software(),
  });
  return { uplink };
}

function software(): string {
  return `cairn ${version()}, Linux ${release()}, Node ${process.versions.node}`;
}
