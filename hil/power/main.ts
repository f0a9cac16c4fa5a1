import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { seeded } from '../random.js';
import { CrashPoints } from './crash-point.js';
import { planCuts } from './plan.js';
import { checkAll } from './pool.js';
import { checkReplay, loadDisks, loadRecording, UNDER_WAY_SECTORS } from './recording.js';
import { tally } from './tally.js';

const HELP = `Looks again at cuts of a recorded run, without booting anything.

  node dist/hil/power/main.js RECORDING --seed S [--cuts N] [--cut INDEX]

  RECORDING   a boot's folder, such as .cache/hil/run/cuts/chain-0/boot-1
  --seed S    the seed that the report names with the recording
  --cuts N    how many cuts the plan has (300)
  --cut I     one cut of them: its disk is kept in RECORDING/cut-I.img
`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, cuts: { type: 'string', default: '300' }, cut: { type: 'string' } },
});
const [folder] = positionals;
if (folder === undefined || values.seed === undefined) {
  process.stderr.write(HELP);
  process.exitCode = 2;
} else process.exitCode = await look(folder, Number(values.seed), Number(values.cuts), values.cut);

async function look(
  recording: string,
  seed: number,
  count: number,
  only: string | undefined,
): Promise<number> {
  const about = loadRecording(recording);
  const disks = loadDisks(about);
  checkReplay(about, disks, UNDER_WAY_SECTORS);
  const plan = planCuts(disks.log, about.said, count, seed);
  const cuts = plan.filter(({ index }) => only === undefined || index === Number(only));
  for (const cut of only === undefined ? [] : cuts) {
    const { image } = new CrashPoints(disks.base, disks.log.entries).image(cut, seeded(seed + cut.index));
    image.save(join(recording, `cut-${cut.index}.img`));
  }
  const scratch = join(recording, 'scratch');
  mkdirSync(scratch, { recursive: true });
  const { figures, bad } = tally(await checkAll({ recording, scratch, seed, cuts }));
  process.stdout.write(`${JSON.stringify(figures)}\n${bad.map((line) => `${line}\n`).join('')}`);
  return bad.length === 0 ? 0 : 1;
}
