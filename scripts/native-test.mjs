// Builds the plain C under AddressSanitizer and UndefinedBehaviorSanitizer with each native/test/test_*.c, and runs it;
// then each fuzz target on its corpus.
// `node scripts/native-test.mjs [--arch arm64|arm] [name …]` prints TAP; exit code 1 when a test fails, 2 when there is no compiler.
// With --arch it is built by Debian's cross compiler and run by qemu-user, without the sanitizers, which need the real machine.
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { basename, dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const NATIVE = join(ROOT, 'native');
/** The folders of plain C; binding/ needs Node and is tested from JavaScript. */
const PLAIN = ['packet', 'framing', 'clock', 'gpio', 'fusion', 'notify', 'memory'];
const TEST_TIMEOUT_MS = 120_000;
const COMMON = [
  '-std=c11',
  '-D_GNU_SOURCE',
  '-D_FILE_OFFSET_BITS=64',
  '-Wall',
  '-Wextra',
  '-Wno-unused-parameter',
  '-ffp-contract=off',
  '-g',
];

/** Flags of a build in which any undefined behaviour or bad access ends the program. */
export const SANITIZE = [
  '-fsanitize=address,undefined',
  '-fno-sanitize-recover=all',
  '-fno-omit-frame-pointer',
];

/** How to build for a board's machine and run it on this one. */
const BOARDS = {
  arm64: {
    compiler: 'aarch64-linux-gnu-gcc',
    flags: ['-O2', '-static'],
    runner: ['qemu-aarch64', '-cpu', 'max'],
  },
  arm: { compiler: 'arm-linux-gnueabihf-gcc', flags: ['-O2', '-static'], runner: ['qemu-arm'] },
};

/** Whether a compiler has the sanitizers' libraries: Debian packs clang's apart from clang. */
function canSanitize(compiler) {
  const args = [...SANITIZE, '-x', 'c', '-', '-o', '/dev/null'];
  return spawnSync(compiler, args, { input: 'int main(void) { return 0; }' }).status === 0;
}

/** `CC` where it is set, else clang or gcc, whichever has the sanitizers; undefined when neither is here. */
export function findCompiler() {
  if (process.env.CC) return process.env.CC;
  const here = ['clang', 'gcc'].filter((name) => spawnSync(name, ['--version']).status === 0);
  return here.find(canSanitize) ?? here[0];
}

/** All plain C sources, as absolute paths. */
export function plainSources() {
  return PLAIN.flatMap((folder) => listC(join(NATIVE, folder)));
}

function listC(folder) {
  const names = readdirSync(folder).filter((name) => name.endsWith('.c'));
  return names.sort().map((name) => join(folder, name));
}

/** Runs a program to its end: its exit code (undefined when it was killed) and all it printed. */
function run(command, args, timeout) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: ROOT, timeout, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    child.stdout.on('data', (data) => {
      output += data;
    });
    child.stderr.on('data', (data) => {
      output += data;
    });
    child.on('error', (error) => resolve({ code: undefined, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? undefined, output }));
  });
}

/** Maps with at most `availableParallelism()` at a time, in order. */
async function mapParallel(items, work) {
  const results = new Array(items.length);
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next++;
      results[index] = await work(items[index]);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

/**
 * Compiles sources to objects below `folder`; throws with the compiler's words when one fails. Returns the objects' paths.
 */
export async function compileAll(compiler, sources, flags, folder) {
  mkdirSync(folder, { recursive: true });
  return await mapParallel(sources, async (source) => {
    const object = join(folder, `${relative(NATIVE, source).replaceAll('/', '-')}.o`);
    const built = await run(compiler, [...COMMON, ...flags, `-I${NATIVE}`, '-c', source, '-o', object]);
    if (built.code !== 0) throw new Error(`${relative(ROOT, source)} does not compile:\n${built.output}`);
    return object;
  });
}

/** Links objects and further sources to a program; throws with the linker's words. */
export async function link(compiler, inputs, flags, program) {
  const built = await run(compiler, [
    ...COMMON,
    ...flags,
    `-I${NATIVE}`,
    ...inputs,
    '-lm',
    '-lpthread',
    '-o',
    program,
  ]);
  if (built.code !== 0) throw new Error(`${basename(program)} does not build:\n${built.output}`);
}

/** What there is to build and run: a program of its own each, with the sources it needs besides the plain C. */
function programs() {
  const tests = listC(join(NATIVE, 'test'))
    .filter((path) => basename(path).startsWith('test_'))
    .map((path) => ({ name: basename(path, '.c'), sources: [path], args: [] }));
  const replays = listC(join(NATIVE, 'fuzz'))
    .map((path) => ({ path, target: /^fuzz_(\w+)\.c$/.exec(basename(path))?.[1] }))
    .filter(({ target }) => target !== undefined)
    .map(({ path, target }) => ({
      name: `corpus_${target}`,
      sources: [path, join(NATIVE, 'fuzz', 'replay.c')],
      args: [join(NATIVE, 'fuzz', 'corpus', target)],
    }));
  return [...tests, ...replays];
}

async function runOne({ compiler, flags, runner }, objects, { name, sources, args }, folder) {
  const program = join(folder, name);
  try {
    await link(compiler, [...sources, ...objects], flags, program);
  } catch (error) {
    return { name, ok: false, output: error.message };
  }
  const [command, ...before] = [...runner, program];
  const ran = await run(command, [...before, ...args], TEST_TIMEOUT_MS);
  return { name, ok: ran.code === 0, output: ran.output };
}

/** One result a test program: { name, ok, output }. Undefined when this machine has no C compiler. */
export async function runNativeTests(only = [], arch = undefined) {
  const here = { compiler: findCompiler(), flags: [...SANITIZE, '-O1'], runner: [] };
  const target = arch ? BOARDS[arch] : here;
  if (!target?.compiler) return undefined;
  const folder = join(ROOT, '.build', 'native-test', String(process.pid));
  const wanted = programs().filter(({ name }) => only.length === 0 || only.includes(name));
  try {
    const objects = await compileAll(target.compiler, plainSources(), target.flags, folder);
    return await mapParallel(wanted, (program) => runOne(target, objects, program, folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

async function main() {
  const { values, positionals } = parseArgs({
    options: { arch: { type: 'string' } },
    allowPositionals: true,
  });
  const results = await runNativeTests(positionals, values.arch);
  if (!results) {
    console.error(
      values.arch
        ? `native-test: --arch is one of ${Object.keys(BOARDS).join(', ')}`
        : 'native-test: neither clang nor gcc is here (apt-get install clang)',
    );
    process.exit(2);
  }
  console.log(`TAP version 13\n1..${results.length}`);
  for (const [index, { name, ok, output }] of results.entries()) {
    console.log(`${ok ? 'ok' : 'not ok'} ${index + 1} - ${name}`);
    if (!ok) console.log(output.replace(/^/gm, '# '));
  }
  process.exit(results.every(({ ok }) => ok) ? 0 : 1);
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) await main();
