import { spawn } from 'node:child_process';
import { beginMark, endMark, errorMark } from './marks.js';

const TIMED_OUT = 124;
/** Of what a suite wrote to its standard error, kept for the report. */
const KEPT_CHARACTERS = 1000;

export interface SuiteRun {
  readonly suite: string;
  /** The compiled file. */
  readonly file: string;
  readonly env: NodeJS.ProcessEnv;
  readonly timeoutMs: number;
  /** File descriptor that gets the TAP and the marks around it. */
  readonly out: number;
  readonly write: (text: string) => void;
}

/** Runs one suite in its own process; resolves to its exit code, 124 where it was ended for taking too long. */
export async function runSuite({ suite, file, env, timeoutMs, out, write }: SuiteRun): Promise<number> {
  const startMs = performance.now();
  write(beginMark(suite));
  let said = '';
  const code = await new Promise<number>((resolve, reject) => {
    const child = spawn(process.execPath, ['--enable-source-maps', '--test-reporter=tap', file], {
      stdio: ['ignore', out, 'pipe'],
      env: { ...env, NO_COLOR: '1' },
    });
    child.stderr!.setEncoding('utf8').on('data', (text: string) => {
      process.stderr.write(text);
      said = (said + text).slice(-KEPT_CHARACTERS);
    });
    const end = () => child.kill('SIGKILL');
    process.once('exit', end);
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      end();
    }, timeoutMs);
    child.once('error', reject);
    child.once('close', (status) => {
      clearTimeout(timer);
      process.off('exit', end);
      resolve(timedOut ? TIMED_OUT : (status ?? 1));
    });
  });
  if (code !== 0 && said.trim() !== '') write(errorMark(said));
  write(endMark(suite, code, performance.now() - startMs));
  return code;
}
