import { parseArgs } from 'node:util';
import { pino } from 'pino';
import { ConfigError, readConfig } from './config/index.js';
import { startFleet } from './fleet.js';

const HELP = `cairn-fleet: receives from nodes, keeps, shows, alerts.

  cairn-fleet --config fleet.yaml

  --config FILE   docs/fleet/config.md says what is in it; \`data: /var/lib/cairn-fleet\` is enough
  --check         reads the file, says what is wrong, and ends

Exit: 0 ended by a signal, 1 it could not start, 2 wrong arguments or file.
`;

async function main(argv: readonly string[]): Promise<number> {
  const { values } = parseArgs({
    args: [...argv],
    options: { config: { type: 'string' }, check: { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (values.help || !values.config) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  const config = readConfig(values.config);
  if (values.check) return 0;
  const log = pino({ base: null, timestamp: pino.stdTimeFunctions.isoTime });
  const fleet = await startFleet(config, log);
  const ended = new Promise<string>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(signal));
  });
  void fleet.address.then((address) => log.info(`the web is at ${address}`));
  void tellFirstSecret(fleet.firstSecret, (text) => log.info(text));
  log.info(`stops: ${await ended}`);
  await fleet.stop();
  return 0;
}

/** Once the database answers. */
async function tellFirstSecret(
  firstSecret: () => Promise<string | undefined>,
  say: (text: string) => void,
): Promise<void> {
  for (;;) {
    const secret = await firstSecret().catch(() => false as const);
    if (secret) say(`nobody owns this fleet yet: open /first and type this one-time secret: ${secret}`);
    if (secret !== false) return;
    await new Promise((resolve) => setTimeout(resolve, 1_000).unref());
  }
}

try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  process.stderr.write(`cairn-fleet: ${(error as Error).message}\n`);
  process.exitCode = error instanceof ConfigError ? 2 : 1;
}
