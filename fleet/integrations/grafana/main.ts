import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { dashboards } from './index.js';

const HELP = `Writes Grafana's dashboards of a fleet on PostgreSQL (docs/integrations.md).

  node dist/fleet/integrations/grafana/main.js --out FOLDER [--fluent-bit]

  --fluent-bit   the logs' dashboard reads \`log_all\`: the nodes' own lines and Fluent Bit's
`;

function main(): number {
  const { values } = parseArgs({
    options: { out: { type: 'string' }, 'fluent-bit': { type: 'boolean' }, help: { type: 'boolean' } },
  });
  if (!values.out) {
    process.stdout.write(HELP);
    return values.help ? 0 : 2;
  }
  mkdirSync(values.out, { recursive: true });
  for (const one of dashboards(values['fluent-bit'] ? 'log_all' : 'view_log')) {
    const path = join(values.out, `${one.uid}.json`);
    writeFileSync(path, `${JSON.stringify(one, null, 2)}\n`);
    process.stdout.write(`${path}\n`);
  }
  return 0;
}

try {
  process.exitCode = main();
} catch (error) {
  process.stderr.write(`${(error as Error).message}\n`);
  process.exitCode = 2;
}
