// Judges crash states of a recording: `state-worker.js FOLDER LOG SEED COUNT [--only K] [--ignore-syncs] [--loses-on-error]`. In a process of its own, since LevelDB
// may abort it. Each line that it writes is a JSON object: a state that it is about to judge, or what it found in one.
import { writeSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { judgeStore } from './judge.js';
import { readOperations } from './operation-log.js';
import { STORE } from './options.js';
import { crashStates, materialise } from './states.js';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    only: { type: 'string' },
    'ignore-syncs': { type: 'boolean', default: false },
    'loses-on-error': { type: 'boolean', default: false },
  },
});
const [parent = '', log = '', seed = '', count = ''] = positionals;
const only = values.only === undefined ? undefined : Number(values.only);

const faults = { ignoresSyncs: values['ignore-syncs'], losesOnError: values['loses-on-error'] };
let state = 0;
for (const { image, promised, operations, model, kept } of crashStates(
  readOperations(log),
  Number(count),
  Number(seed),
  faults,
)) {
  state += 1;
  if (only !== undefined && state !== only) continue;
  tell({ state, operations, model, kept });
  const folder = join(parent, 'disk');
  materialise(folder, image);
  const finding = await judgeStore(join(folder, STORE), promised);
  const problems = [...finding.problems];
  // To POSIX's letter LevelDB's manifest may reach the disk before the name of a table that it names: then repair has to find the table.
  if (finding.replaced && promised.epoch && model === 'journal')
    problems.push('its database had to be replaced');
  tell({ state, ...finding, problems });
}
process.exit(0);

function tell(what: object): void {
  writeSync(1, `${JSON.stringify(what)}\n`);
}
