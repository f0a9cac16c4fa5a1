import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { type RuntimeClock, systemWallClock } from './clock/index.js';
import type { NodeConfig } from './config/index.js';
import { Flight, FlightFiles, type FlightShape } from './health/index.js';
import type { Log } from './log.js';

/** How finely the event loop's lateness is measured, ms: a timer of libuv's own, nothing in JavaScript. */
const LOOP_RESOLUTION_MS = 20;

export interface RunningFlight {
  readonly flight: Flight;
  /** A dump of the run as it is; its path. */
  dump(): string;
  /** The run ended in order. */
  stop(why: string): void;
}

/** Where dumps are kept: in the store's directory, which counts them in its size. */
export function dumpFolder(config: NodeConfig): string {
  return join(config.store.path, 'dumps');
}

/** The flight recorder, where there is a folder that outlives the process: a service's RUNTIME_DIRECTORY. */
export function openFlight(
  config: NodeConfig,
  clock: RuntimeClock,
  log: Log,
  software: string,
  runtimeDirectory = process.env.RUNTIME_DIRECTORY,
): RunningFlight | undefined {
  const [folder] = (runtimeDirectory ?? '').split(':');
  if (!folder) return undefined;
  const files = new FlightFiles(folder, dumpFolder(config));
  const dump = begun(files, log);
  const loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
  loop.enable();
  const flight = new Flight({
    ...{ out: files, clock, wall: systemWallClock(), software, afterDump: dump !== undefined },
    lateMs: () => {
      const lateMs = loop.max / 1e6 - LOOP_RESOLUTION_MS;
      loop.reset();
      return lateMs;
    },
    shape: shapeOf(config),
    log: (level, text) => log(level, 'flight', text),
  });
  return {
    flight,
    dump: () => {
      flight.look();
      return files.dump();
    },
    stop: (why) => {
      loop.disable();
      flight.stop(why);
    },
  };
}

/** A record that can't be kept is no reason not to run. */
function begun(files: FlightFiles, log: Log): string | undefined {
  try {
    const dump = files.begin();
    if (dump)
      log('warn', 'flight', `the last run did not end in order; its last minutes: cairn dump (${dump})`);
    return dump;
  } catch (error) {
    log('warn', 'flight', `the record of the last run can't be kept: ${(error as Error).message}`);
    return undefined;
  }
}

function shapeOf({ store, uplink, parts }: NodeConfig): FlightShape {
  const { path: _, places: __, ...options } = store;
  return {
    store: options,
    ...(uplink ? { uplink: shapeOfUplink(uplink) } : {}),
    parts: parts.map(({ id, class: ofAll, intervalMs, live }) => ({
      id,
      ...(ofAll ? { class: ofAll } : {}),
      ...(intervalMs === undefined ? {} : { intervalMs }),
      ...(live ? { live } : {}),
    })),
  };
}

function shapeOfUplink(uplink: NonNullable<NodeConfig['uplink']>): NonNullable<FlightShape['uplink']> {
  const { protocol, payloads, backlog, window, pubackDeadlineMs, keepAliveS, backoffMinMs, backoffMaxMs } =
    uplink;
  return {
    ...{ protocol, payloads, window, pubackDeadlineMs, keepAliveS, backoffMinMs, backoffMaxMs },
    ...(backlog ? { backlog } : {}),
    custody: uplink.fleet ? 'fleet' : 'broker',
  };
}
