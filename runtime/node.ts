import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces, release } from 'node:os';
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
import { formatProblem, type NodeConfig } from './config/index.js';
import { ask, ControlError, ControlServer, controlPath } from './control.js';
import { readFleetKeys } from './fleet-keys.js';
import { openFlight, type RunningFlight } from './flight.js';
import { forecastHere, forecastLines } from './forecast.js';
import { lastEnd, openService, type Service, statusLine } from './health/index.js';
import { type Identity, IdentityError, loadIdentity } from './identity.js';
import { createLog, type Log, type LogSink } from './log.js';
import { SpareMemory } from './memory.js';
import { version } from './package.js';
import { createPipeline, type Pipeline } from './pipeline.js';
import {
  deadLetterTexts,
  openPatiently,
  type PatientStore,
  type Store,
  storeDefaults,
} from './store/index.js';
import { budgetFile, createUplink, mqttJs } from './uplink/index.js';

export interface RunningNode {
  stop(why: string): Promise<void>;
}

/** A whole node on the real world: opens everything that the configuration names, and starts it; or rejects, and nothing stays open. */
export async function openNode(config: NodeConfig): Promise<RunningNode> {
  const clock = systemClock();
  const { log: plainLog, sink } = createLog(config.logLevel, () => clock.nowNs());
  const flight = openFlight(config, clock, plainLog, software());
  const log = flight?.flight.log(plainLog) ?? plainLog;
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
    const { pipeline, control } = await openStages(
      config,
      { clock, identity, log, sink, service, flight },
      opened,
    );
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
        flight?.flight.stop(why);
      },
    };
  } catch (error) {
    for (const close of opened.reverse()) await tried(close, log);
    flight?.flight.stop(`it could not start: ${(error as Error).message}`);
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
  /** Absent where there is no folder that outlives the process. */
  readonly flight: RunningFlight | undefined;
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
    storeOpened: patient.opened,
    native,
    clock,
    wall: systemWallClock(),
    keepTime: (wallNs) => kept.atLeast(wallNs),
    random: Math.random,
    log,
    logSink: sink,
    ...uplinkOf(config, identity, store, around),
  });
  opened.push(() => pipeline.stop());
  const control = new ControlServer({
    path,
    answer: (command) => {
      if (command === 'status') return pipeline.status();
      if (command === 'dead') return deadLetterTexts(store.deadLetters?.() ?? []);
      if (command === 'dump')
        return flight ? { file: flight.dump() } : { error: 'this node keeps no record' };
      return { error: `no such request: ${command}` };
    },
    log: (level, text) => log(level, 'control', text),
  });
  opened.push(() => control.stop());
  await startControl(control, patient, log);
  flight?.flight.watch(() => pipeline.status());
  return { pipeline, control };
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
  { log, flight }: Around,
) {
  if (!config) return {};
  const connect = mqttJs(config, systemClock());
  const { keys, problems } = readFleetKeys(config);
  if (problems.length > 0) throw new IdentityError(problems.map(formatProblem).join('\n'));
  const uplink = createUplink({
    config,
    node: identity.node,
    store,
    clock: systemClock(),
    connect: flight?.flight.connect(connect) ?? connect,
    random: Math.random,
    log: (level, text) => log(level, 'uplink', text),
    software: software(),
    fleetKeys: keys,
    interfaces: networkInterfaces,
    budgetFile: budgetFile(join(path, 'budgets')),
  });
  return { uplink };
}

function software(): string {
  return `cairn ${version()}, Linux ${release()}, Node ${process.versions.node}`;
}

/** Where a service keeps what outlives it (systemd.exec(5): STATE_DIRECTORY); else beside the store. */
function stateFolder({ store }: NodeConfig): string {
  const [folder] = (process.env.STATE_DIRECTORY ?? '').split(':');
  return folder || dirname(store.path);
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
