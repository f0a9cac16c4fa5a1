import { native } from '../../../native/index.js';
import type { NodeConfig, UplinkConfig } from '../../../runtime/config/index.js';
import { type Flight, healthWords } from '../../../runtime/health/index.js';
import { createPipeline, type Pipeline } from '../../../runtime/pipeline.js';
import {
  type OpenStore,
  openPatiently,
  openStore,
  type Store,
  type StoreCommit,
  type StoreDeps,
  StoreError,
  type StoreOptions,
} from '../../../runtime/store/index.js';
import { createUplink, type MqttConnect } from '../../../runtime/uplink/index.js';
import type { Interfaces } from '../../../runtime/uplink/link-class.js';
import type { Disk } from '../disk/disk.js';
import { filesOf } from '../disk/files.js';
import { openLevel } from '../disk/level.js';
import { checkTables, repairLevel } from '../disk/repair.js';
import type { Random } from '../kernel/random.js';
import { budgetFileOf, interfaces, linkClassesOf } from '../net/metered.js';
import { FLEET_KEY } from '../net/signer.js';
import type { Oracle } from '../oracle/oracle.js';
import { type OnReading, openBoard, type WorldPart } from '../parts/board.js';
import type { Scenario } from '../scenario.js';
import type { Life } from './life.js';
import { simLog } from './log.js';

export const NODE_ID = '00c0ffee00c0ffee';
export const STORE_PATH = 'data/store';
const MACHINE_ID = 'simulated machine';

export interface NodeParts {
  readonly scenario: Scenario;
  readonly life: Life;
  readonly disk: Disk;
  readonly parts: readonly WorldPart[];
  readonly oracle: Oracle;
  readonly random: Random;
  readonly connect: MqttConnect;
  readonly onReading: OnReading;
  readonly onLine: (level: string, module: string, text: string) => void;
  /** Records the process, where the run is recorded. */
  readonly flight?: Flight;
  /** The store is open. */
  readonly onOpen: () => void;
  readonly onCommit: (store: Store, commit: StoreCommit) => void;
}

export interface RunningNode {
  readonly store: Store;
  readonly pipeline: Pipeline;
  /** False while the disk refuses from the start on. */
  isOpen(): boolean;
}

type SimLog = (level: 'info' | 'warn' | 'error', module: string, text: string) => void;

/** One process of the product: the node's own parts over a simulated world. Resolves once it runs; never where it dies before. */
export async function startNode(parts: NodeParts): Promise<RunningNode> {
  const { scenario, life, oracle, random } = parts;
  const { log: plainLog, sink } = simLog(life, parts.onLine);
  const log = parts.flight?.log(plainLog) ?? plainLog;
  const options = storeOptions(parts, log);
  const { store, opened } = await openPatiently(
    options,
    async () => true,
    () => openWatched(parts, options),
  );
  let isOpen = false;
  void opened.then(() => {
    isOpen = true;
    parts.onOpen();
  });
  const uplink = createUplink({
    config: uplinkConfig(scenario),
    node: NODE_ID,
    store,
    clock: life.clock,
    connect: parts.flight?.connect(parts.connect) ?? parts.connect,
    random: random.float,
    fleetKeys: [FLEET_KEY],
    interfaces: interfaces as unknown as Interfaces,
    budgetFile: budgetFileOf(parts.disk, life),
    log: (level, text) => log(level, 'uplink', text),
    software: 'cairn simulation',
    health: async () => healthOf(pipeline, life),
  });
  const pipeline: Pipeline = createPipeline({
    config: nodeConfig(scenario),
    board: openBoard({ life, parts: parts.parts, random, onReading: parts.onReading }),
    store: oracle.early.watched(store),
    storeOpened: opened,
    uplink,
    native,
    clock: life.clock,
    wall: { pair: () => life.boot.pair(), sync: () => life.boot.sync() },
    random: random.float,
    log,
    logSink: sink,
  });
  pipeline.start();
  parts.flight?.watch(() => pipeline.status());
  return { store, pipeline, isOpen: () => isOpen };
}

/** As the product says it, of a machine that tells nothing of itself. */
function healthOf({ status, seen }: Pipeline, { boot }: Life) {
  return healthWords({
    ...{ nowNs: boot.bootNs(), node: status(), latest: seen.latest(), disk: undefined, wiring: [] },
    machine: {
      ...{ isUnderVoltage: undefined, isThrottled: undefined, temperatureC: undefined },
      ...{ memoryAvailableBytes: undefined, wasReset: undefined, hasNetwork: undefined },
    },
    life: { problems: [], failedStarts: 0, lastEnd: undefined },
  });
}

/** The store as the product opens it, seen from its first moment: what waited for it goes in here too. */
async function openWatched(parts: NodeParts, options: StoreOptions): Promise<OpenStore> {
  const { oracle, life, onCommit } = parts;
  let store: OpenStore;
  try {
    store = await openStore(options);
  } catch (error) {
    if (!(error instanceof StoreError) || error.kind !== 'io')
      oracle.fail('start', `the store could not be opened: ${(error as Error).stack}`);
    throw error;
  }
  oracle.began(store, life.boot);
  store.onCommit((commit) => {
    if (life.dead) return;
    oracle.acknowledged(store);
    onCommit(store, commit);
  });
  return observed(store, oracle, life);
}

/** The store, with a look at what goes in. Of a process that died in this very turn nothing does. */
function observed(store: OpenStore, oracle: Oracle, life: Life): OpenStore {
  return new Proxy(store, {
    get: (target, name) => {
      const member: unknown = Reflect.get(target, name, target);
      if (typeof member !== 'function') return member;
      if (name === 'append')
        return (rows: Parameters<Store['append']>[0]) => {
          if (life.dead) return;
          oracle.appended(rows);
          target.append(rows);
        };
      if (name === 'lost')
        return (...lost: Parameters<OpenStore['lost']>) => {
          if (life.dead) return;
          oracle.lost(lost[0], lost[1], lost[2] === 'rejected');
          target.lost(...lost);
        };
      return member.bind(target);
    },
  });
}

function storeOptions({ scenario, life, disk, random, flight }: NodeParts, log: SimLog): StoreOptions {
  const { sizeBytes, commitIntervalMs, reserveAheadMs, memoryBytes, quotaPercent, flash } = scenario.store;
  const deps: StoreDeps = {
    nowNs: () => life.boot.bootNs(),
    setTimer: (run, afterMs) => life.clock.after(afterMs, run),
    clearTimer: (timer) => (timer as ReturnType<typeof life.clock.after>).cancel(),
    random64: () => random.u64(),
    files: filesOf(disk, life),
    openLevel: (path, options) => openLevel(disk, life, path, options),
    repairLevel: (from, to) => repairLevel(disk, life, from, to),
    checkTables: (path) => checkTables(disk, life, path),
    native,
    log: (level, text) => log(level, 'store', text),
  };
  return {
    ...{ path: STORE_PATH, sizeBytes, commitIntervalMs, reserveAheadMs, memoryBytes, quotaPercent },
    ...(flash ? { flash } : {}),
    node: NODE_ID,
    machineId: `${MACHINE_ID}${life.boot.machine || ''}`,
    bootId: life.boot.id,
    software: 'cairn simulation',
    deps: flight?.disk(deps) ?? deps,
  };
}

function uplinkConfig({ uplink }: Scenario): UplinkConfig {
  const { protocol, window, pubackDeadlineMs, backoffMinMs, backoffMaxMs } = uplink;
  return {
    ...{ protocol, window, pubackDeadlineMs, backoffMinMs, backoffMaxMs },
    url: 'mqtt://simulated',
    payloads: uplink.senml ? ['packet', 'senml+json'] : ['packet'],
    keepAliveS: 60,
    ...(uplink.budget ? { links: linkClassesOf(uplink.budget) } : {}),
    backlog: uplink.backlog ?? 'oldest',
    ...(uplink.custody === 'fleet'
      ? { fleet: { keys: [], receiptDeadlineMs: uplink.receiptDeadlineMs ?? 60_000 } }
      : {}),
  };
}

function nodeConfig(scenario: Scenario): NodeConfig {
  const { sizeBytes, commitIntervalMs, reserveAheadMs, memoryBytes, quotaPercent } = scenario.store;
  return {
    name: 'simulated',
    identityPath: 'data/identity',
    board: {
      name: 'sim',
      title: 'Simulated',
      kind: 'twin',
      i2c: {},
      serial: {},
      gpio: {},
      gpioBackend: 'auto',
    },
    parts: [],
    store: { path: STORE_PATH, sizeBytes, commitIntervalMs, reserveAheadMs, memoryBytes, quotaPercent },
    uplink: uplinkConfig(scenario),
    logLevel: 'info',
  };
}
