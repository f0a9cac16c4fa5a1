import { networkInterfaces, release } from 'node:os';
import { dirname, join } from 'node:path';
import { native } from '../native/index.js';
import { type BoardDeps, openBoard, registry } from './board/index.js';
import { Calibrations, calibrationFolder } from './calibrations.js';
import {
  KeptTime,
  kernelBootId,
  machineId,
  type RuntimeClock,
  systemClock,
  systemWallClock,
} from './clock/index.js';
import { startCommitLog } from './commit-log.js';
import { type ConfigStatus, formatProblem, type NodeConfig } from './config/index.js';
import { ask, ControlError, controlPath } from './control.js';
import { ControlServer } from './control-server.js';
import { readFleetKeys } from './fleet-keys.js';
import { openFlight, type RunningFlight } from './flight.js';
import { forecastHere, forecastLines } from './forecast.js';
import { openService, type Service, type ServiceOptions, statusLine } from './health/index.js';
import { type Identity, IdentityError, loadIdentity } from './identity.js';
import { createLog, type Log, type LogSink } from './log.js';
import type { LogTail } from './log-tail.js';
import { SpareMemory } from './memory.js';
import { healthTeller } from './node-health.js';
import { version } from './package.js';
import { createPipeline, type Pipeline, type PipelineStatus } from './pipeline.js';
import { provenBy } from './proven.js';
import { nodeRequests } from './requests/index.js';
import { openPatiently, type PatientStore, type Store, storeDefaults } from './store/index.js';
import { removeDrafts, textFiles } from './text-files.js';
import { budgetFile, createUplink, mqttJs, probePortsHere, type StatusHealth } from './uplink/index.js';

export interface RunningNode {
  readonly log: Log;
  status(): PipelineStatus;
  /** The sampler's ticks have stopped. */
  isStuck(): boolean;
  /** A reading that this run committed got its receipt: all the way from part to broker, or to the fleet, is proven. */
  isProven(): boolean;
  stop(why: string): Promise<void>;
}

/** What outlives a node, where another configuration follows it in the same process. */
export interface NodeAround {
  /** Absent where no service manager started the process. */
  readonly service?: Service | undefined;
  /** Which configuration runs, for the status. */
  readonly configStatus?: () => ConfigStatus;
  /** How the process before this one ended, where not in order. */
  readonly lastEnd?: string | undefined;
}

/** A whole node on the real world: opens everything that the configuration names, and starts it; or rejects, and nothing stays open. */
export async function openNode(
  config: NodeConfig,
  { service, configStatus, lastEnd }: NodeAround = {},
): Promise<RunningNode> {
  const clock = systemClock();
  const { log: plainLog, sink, tail } = createLog(config.logLevel, () => clock.nowNs());
  const flight = openFlight(config, clock, plainLog, software());
  const log = flight?.flight.log(plainLog) ?? plainLog;
  const identity = loadIdentity(config.identityPath);
  log('info', 'node', `cairn ${version()}: node ${config.name} (${identity.node}) on ${config.board.title}`);
  const opened: (() => unknown)[] = [];
  try {
    const { pipeline, control, isProven } = await openStages(
      config,
      { clock, identity, log, sink, tail, flight, configStatus, lastEnd },
      opened,
    );
    pipeline.start();
    const isStuck = () => pipeline.isStuck();
    service?.running({ isStuck, statusLine: () => statusLine(pipeline.status()) });
    return {
      ...{ log, isStuck, isProven },
      status: () => pipeline.status(),
      stop: async (why) => {
        log('info', 'node', `${why}: stopping`);
        await control.stop();
        await pipeline.stop();
        flight?.stop(why);
      },
    };
  } catch (error) {
    for (const close of opened.reverse()) await tried(close, log);
    flight?.stop(`it could not start: ${(error as Error).message}`);
    throw error;
  }
}

/** Whoever started this process as a service; undefined where nobody did. */
export function serviceHere(log: ServiceOptions['log']): Service | undefined {
  return openService({
    ...{ environment: process.env, pid: process.pid, clock: systemClock(), send: native.notify, log },
  });
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
  readonly isProven: () => boolean;
}

interface Around {
  readonly clock: RuntimeClock;
  readonly identity: Identity;
  readonly log: Log;
  readonly sink: LogSink;
  readonly tail: LogTail;
  /** Absent where there is no folder that outlives the process. */
  readonly flight: RunningFlight | undefined;
  readonly configStatus: (() => ConfigStatus) | undefined;
  readonly lastEnd: string | undefined;
}

/** Left to right; `opened` gets how each is closed again. */
async function openStages(config: NodeConfig, around: Around, opened: (() => unknown)[]): Promise<Stages> {
  const { clock, identity, log, sink, flight } = around;
  const path = controlPath(config.store.path);
  const cast = await forecastHere(config);
  log(cast.isWornOut ? 'warn' : 'info', 'store', forecastLines(config, cast).join('; '));
  const patient = await openNodeStore(config, around);
  const { store } = patient;
  opened.push(
    () => store.close(),
    () => sink.detach(),
  );
  void patient.opened.then(() => startCommitLog(store, log));
  const kept = new KeptTime({
    file: join(stateFolder(config), 'clock'),
    certificates: [config.uplink?.ca, config.uplink?.certificate],
    wall: systemWallClock(),
    log: (level, text) => log(level, 'clock', text),
  });
  const boardLog: BoardDeps['log'] = (level, text) => log(level, 'board', text);
  const boardDeps = { clock, native, random: Math.random, log: boardLog };
  const board = await openBoard(config, boardDeps);
  opened.push(() => board.close());
  for (const choice of board.choices) log('info', 'board', choice);
  const tellHealth = healthTeller({ ...around, config });
  const uplink = uplinkOf(config, identity, store, { ...around, health: () => tellHealth(pipeline) });
  const calibrations = calibrationsOf(config, log);
  const pipeline: Pipeline = createPipeline({
    config,
    board,
    store,
    storeOpened: patient.opened,
    native,
    clock,
    wall: systemWallClock(),
    calibrations,
    keepTime: (wallNs) => kept.atLeast(wallNs),
    random: Math.random,
    log,
    logSink: sink,
    ...(uplink && { uplink }),
  });
  opened.push(() => pipeline.stop());
  const control = new ControlServer({
    path,
    answer: nodeRequests({
      ...{ pipeline, store, clock, calibrations, logTail: around.tail, key: identity.privateKey },
      surveyed: { config, registry, wires: board.wires, deps: boardDeps },
      link: uplink && {
        ...{ uplink, config: config.uplink! },
        probe: probePortsHere(clock, systemWallClock()),
      },
      configStatus: around.configStatus,
      dump: flight && (() => flight.dump()),
    }),
    log: (level, text) => log(level, 'control', text),
  });
  opened.push(() => control.stop());
  await startControl(control, patient, log);
  flight?.flight.watch(() => pipeline.status());
  return { pipeline, control, isProven: provenBy(store, uplink) };
}

function calibrationsOf(config: NodeConfig, log: Log): Calibrations {
  const folder = calibrationFolder(config, stateFolder(config));
  const warn = (text: string) => log('warn', 'calibration', text);
  try {
    removeDrafts(folder);
  } catch (error) {
    warn(`${folder}: ${(error as Error).message}`);
  }
  return new Calibrations(textFiles(folder), config.parts, warn);
}

/** Its socket lies beside the store: a disk that refuses the one may refuse the other, as long as it does. */
async function startControl(
  control: ControlServer,
  { store, opened }: PatientStore,
  log: Log,
): Promise<void> {
  try {
    await control.start();
  } catch (error) {
    if (store.epoch !== '') throw error;
    log('warn', 'control', `nobody can ask this node how it is: ${(error as Error).message}`);
    void opened
      .then(() => control.start())
      .catch((again: Error) =>
        log('error', 'control', `nobody can ask this node how it is: ${again.message}`),
      );
  }
}

/** A disk that refuses doesn't hold the node up, unless it is another node that has the store: two would fight over parts and link. */
function openNodeStore(config: NodeConfig, { identity, log, flight }: Around): Promise<PatientStore> {
  const memory = new SpareMemory();
  const deps = {
    ...storeDefaults((level, text) => log(level, 'store', text)),
    spareMemoryBytes: (wantedBytes: number) => memory.bytes(wantedBytes),
  };
  const options = {
    ...config.store,
    node: identity.node,
    machineId: machineId(),
    bootId: kernelBootId(),
    software: software(),
    deps: flight?.flight.disk(deps) ?? deps,
  };
  return openPatiently(options, async () => !(await isAnswered(controlPath(config.store.path))));
}

/** Somebody is there who answers, refuses, or hangs. */
async function isAnswered(path: string): Promise<boolean> {
  try {
    return (await ask(path, 'status')) !== undefined;
  } catch (error) {
    if (error instanceof ControlError) return true;
    throw error;
  }
}

function uplinkOf(
  { uplink: config, store: { path } }: NodeConfig,
  identity: Identity,
  store: Store,
  { log, flight, health }: Around & { readonly health: () => Promise<StatusHealth> },
) {
  if (!config) return undefined;
  const connect = mqttJs(config, systemClock());
  const { keys, problems } = readFleetKeys(config);
  if (problems.length > 0) throw new IdentityError(problems.map(formatProblem).join('\n'));
  return createUplink({
    config,
    node: identity.node,
    store,
    clock: systemClock(),
    connect: flight?.flight.connect(connect) ?? connect,
    random: Math.random,
    log: (level, text) => log(level, 'uplink', text),
    ...{ software: software(), health },
    fleetKeys: keys,
    interfaces: networkInterfaces,
    budgetFile: budgetFile(join(path, 'budgets')),
  });
}

function software(): string {
  return `cairn ${version()}, Linux ${release()}, Node ${process.versions.node}`;
}

/** Where a service keeps what outlives it (systemd.exec(5): STATE_DIRECTORY); else beside the store. */
export function stateFolder({ store }: NodeConfig): string {
  const [folder] = (process.env.STATE_DIRECTORY ?? '').split(':');
  return folder || dirname(store.path);
}
