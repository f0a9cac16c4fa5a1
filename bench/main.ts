import { parseArgs } from 'node:util';
import { bridge } from './bridge.js';
import { fleet } from './fleet.js';
import { fusion } from './fusion.js';
import { offline } from './offline.js';
import { packet } from './packet.js';
import { pipeline } from './pipeline.js';
import { type Bench, type Report, ratio, table } from './report.js';
import { store } from './store.js';
import { uplink } from './uplink.js';

const BENCHES: readonly Bench[] = [packet, fusion, store, uplink, bridge, pipeline, offline, fleet];

/** `npm run bench -- [name …] [--json]`: what is named, or everything that takes seconds; figures of different runs are not to be compared, ratios are. */
async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { json: { type: 'boolean', default: false } },
    allowPositionals: true,
  });
  const unknown = positionals.filter((name) => !BENCHES.some((bench) => bench.name === name));
  if (unknown.length > 0) {
    const names = BENCHES.map((bench) => bench.name).join(', ');
    process.stderr.write(`bench: no ${unknown.join(', ')}; there are ${names}\n`);
    process.exitCode = 2;
    return;
  }
  const wanted = BENCHES.filter((bench) =>
    positionals.length === 0 ? !bench.isLong : positionals.includes(bench.name),
  );
  const reports: Record<string, unknown> = {};
  for (const bench of wanted) {
    const report = await bench.run();
    if (values.json) reports[bench.name] = withRatios(report);
    else process.stdout.write(`${table(bench.title, report).join('\n')}\n`);
  }
  if (values.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`);
}

function withRatios({ figures, notes }: Report) {
  return { figures: figures.map((figure) => ({ ...figure, ratio: ratio(figure) })), notes };
}

await main();
