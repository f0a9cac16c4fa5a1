import { parseArgs } from 'node:util';
import { type Logger, pino } from 'pino';
import { ConfigError, type FleetConfig, readConfig } from './config/index.js';
import { type RunningFleet, startFleet } from './fleet.js';

const HELP = `cairn-fleet: receives from nodes, keeps, shows, alerts.

  cairn-fleet --config fleet.yaml

  --config FILE   docs/fleet/config.md says what is in it; \`data: /var/lib/cairn-fleet\` is enough
  --check         reads the file, says what is wrong, and ends

SIGHUP reads the file anew (an old one stays where the new one is wrong); SIGUSR1 puts its services into maintenance, and out again.
Exit: 0 ended by a signal, 1 it could not start, 2 wrong arguments or file.
`;

/** All is stopped by then: what still keeps the process, such as the timer of a library, is waited for so long. */
const LINGER_MS = 1_000;

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string' }, check: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help || !values.config) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  if (values.check) {
    readConfig(values.config);
    return 0;
  }
  await serve(values.config, pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime }));
  return 0;
}

/** Until a signal ends it. SIGHUP reads the file anew, and where that is wrong, or can't be started, goes on with the old one. */
async function serve(file: string, log: Logger): Promise<void> {
  const signals = new Signals();
  let config = readConfig(file);
  let fleet = await start(config, log);
  for (;;) {
    const signal = await signals.next();
    log.info(signal);
    if (signal === 'SIGUSR1') fleet.services.maintain(!isInMaintenance(fleet));
    else if (signal !== 'SIGHUP') break;
    else {
      const wanted = readOr(file, log);
      if (!wanted) continue;
      const wasInMaintenance = isInMaintenance(fleet);
      await fleet.stop();
      [config, fleet] = await startOr(wanted, config, log);
      if (wasInMaintenance) fleet.services.maintain(true);
    }
  }
  await fleet.stop();
  setTimeout(() => process.exit(0), LINGER_MS).unref();
}

/** Signals in the order they came; two of a kind that nobody took yet are one. */
class Signals {
  readonly #waiting = new Set<NodeJS.Signals>();
  #came: () => void = () => undefined;

  constructor() {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGUSR1'] as const)
      process.on(signal, () => {
        this.#waiting.add(signal);
        this.#came();
      });
  }

  async next(): Promise<NodeJS.Signals> {
    for (;;) {
      for (const signal of this.#waiting) {
        this.#waiting.delete(signal);
        return signal;
      }
      await new Promise<void>((resolve) => {
        this.#came = resolve;
      });
    }
  }
}

async function start(config: FleetConfig, log: Logger): Promise<RunningFleet> {
  const fleet = await startFleet(config, log);
  void fleet.address.then((address) => log.info(`the web is at ${address}`));
  return fleet;
}

function readOr(file: string, log: Logger): FleetConfig | undefined {
  try {
    return readConfig(file);
  } catch (error) {
    log.error(`the old configuration stays: ${(error as Error).message}`);
    return undefined;
  }
}

async function startOr(
  wanted: FleetConfig,
  old: FleetConfig,
  log: Logger,
): Promise<[FleetConfig, RunningFleet]> {
  try {
    const fleet = await start(wanted, log);
    log.info('the new configuration is in force');
    return [wanted, fleet];
  } catch (error) {
    log.error(`back to the old configuration: ${(error as Error).message}`);
    return [old, await start(old, log)];
  }
}

function isInMaintenance({ services }: RunningFleet): boolean {
  return services.health().services.some(({ state }) => state === 'maintenance');
}

function isOfArguments(error: unknown): boolean {
  return String((error as NodeJS.ErrnoException).code).startsWith('ERR_PARSE_ARGS');
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`cairn-fleet: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ConfigError || isOfArguments(error) ? 2 : 1;
}
