// Fuzzes the parsers with libFuzzer under ASan and UBSan. `node scripts/fuzz.mjs [--seconds 30] [--target block] [--keep]`.
// With --keep what it learns goes to native/fuzz/corpus/<target>/, minimised; what it finds goes to native/fuzz/findings/, exit code 1.
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { compileAll, link, plainSources, SANITIZE } from './native-test.mjs';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const FUZZ = join(ROOT, 'native', 'fuzz');
const WORK = join(ROOT, '.build', 'fuzz', String(process.pid));
/** The corpus stays small enough to be committed and read through in a second. */
const CORPUS_MAX_FILES = 200;
const INPUT_MAX_BYTES = 2048;

function targets() {
  return readdirSync(FUZZ)
    .map((name) => /^fuzz_(\w+)\.c$/.exec(name)?.[1])
    .filter((name) => name !== undefined);
}

function fail(text, code) {
  console.error(`fuzz: ${text}`);
  process.exit(code);
}

function options() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '30' },
      target: { type: 'string' },
      keep: { type: 'boolean', default: false },
    },
  });
  const seconds = Number(values.seconds);
  if (!(Number.isInteger(seconds) && seconds >= 1 && seconds <= 86_400))
    fail('--seconds: 1 to 86400 is wanted', 2);
  if (values.target && !targets().includes(values.target))
    fail(`no target ${values.target}; there are ${targets().join(', ')}`, 2);
  return { seconds, keep: values.keep, wanted: values.target ? [values.target] : targets() };
}

async function build(objects, target) {
  const program = join(WORK, `fuzz_${target}`);
  const flags = [...SANITIZE, '-fsanitize=fuzzer', '-O1'];
  await link('clang', [join(FUZZ, `fuzz_${target}.c`), ...objects], flags, program);
  return program;
}

/** Replaces the corpus by the fewest inputs that reach as much. */
function minimise(program, grown, corpus) {
  const merged = join(WORK, 'merged');
  rmSync(merged, { recursive: true, force: true });
  mkdirSync(merged);
  const result = spawnSync(program, ['-merge=1', `-max_len=${INPUT_MAX_BYTES}`, merged, grown], {
    encoding: 'utf8',
  });
  if (result.status !== 0) fail(`merging failed:\n${result.stderr}`, 1);
  const files = readdirSync(merged).sort();
  rmSync(corpus, { recursive: true, force: true });
  mkdirSync(corpus, { recursive: true });
  for (const name of files.slice(0, CORPUS_MAX_FILES)) cpSync(join(merged, name), join(corpus, name));
  return Math.min(files.length, CORPUS_MAX_FILES);
}

/** True when nothing was found. */
function fuzz(program, target, { seconds, keep }) {
  const corpus = join(FUZZ, 'corpus', target);
  const grown = join(WORK, `grown-${target}`);
  const findings = join(FUZZ, 'findings', `${target}-`);
  mkdirSync(corpus, { recursive: true });
  mkdirSync(dirname(findings), { recursive: true });
  cpSync(corpus, grown, { recursive: true });
  const args = [
    grown,
    `-max_total_time=${seconds}`,
    `-max_len=${INPUT_MAX_BYTES}`,
    '-timeout=5',
    '-rss_limit_mb=1024',
  ];
  const result = spawnSync(program, [...args, `-artifact_prefix=${findings}`, '-print_final_stats=1'], {
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  });
  if (result.status !== 0) {
    console.error(`fuzz ${target}: FOUND something\n${result.stderr.slice(-6000)}`);
    return false;
  }
  const runs = /number_of_executed_units:\s*(\d+)/.exec(result.stderr)?.[1] ?? '?';
  const kept = keep ? `, ${minimise(program, grown, corpus)} inputs kept` : '';
  console.log(`fuzz ${target}: no finding in ${seconds} s, ${runs} runs${kept}`);
  return true;
}

const chosen = options();
if (spawnSync('clang', ['--version']).status !== 0)
  fail('clang with libFuzzer is wanted (apt-get install clang)', 2);
let clean = true;
try {
  const flags = [...SANITIZE, '-fsanitize=fuzzer-no-link', '-O1'];
  const objects = await compileAll('clang', plainSources(), flags, WORK);
  for (const target of chosen.wanted) clean = fuzz(await build(objects, target), target, chosen) && clean;
} catch (error) {
  console.error(`fuzz: ${error.message}`);
  clean = false;
} finally {
  rmSync(WORK, { recursive: true, force: true });
}
process.exit(clean ? 0 : 1);
