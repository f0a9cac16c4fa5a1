import { readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { isMainThread, Worker } from 'node:worker_threads';
import { type NativeGpioLine, type NativeGpioRequest, native } from '../../native/index.js';

/* Run by gpio-binding.test.ts with the fake chip preloaded; prints what it saw as one line of JSON. */
const CHIP = '/dev/gpiochip0';
const REQUEST: NativeGpioRequest = {
  offset: 1,
  direction: 'in',
  activeLow: false,
  bias: 'asIs',
  debounceUs: 0,
  edges: true,
  consumer: 'cairn-test',
};
type OnEdges = (timesNs: BigInt64Array, rising: Uint8Array, lost: number) => void;

const print = (seen: object) => process.stdout.write(`${JSON.stringify(seen)}\n`);
const openFiles = () => readdirSync('/proc/self/fd').length;
const codeOf = (act: () => unknown): string => {
  try {
    act();
    return 'none';
  } catch (error) {
    return (error as NodeJS.ErrnoException).code ?? 'no code';
  }
};

/** Listens until the chip goes away; resolves with the error's code. */
function listen(onEdges: OnEdges, blockMs = 0): Promise<string> {
  return new Promise((resolve) => {
    const line = native.gpioOpen(CHIP, REQUEST, onEdges, (error) => {
      line.close();
      line.close();
      resolve(`${(error as NodeJS.ErrnoException).code} then ${codeOf(() => line.read())}`);
    });
    if (blockMs > 0) setTimeout(block, 100, blockMs);
  });
}

function block(ms: number): void {
  const end = performance.now() + ms;
  while (performance.now() < end);
}

async function flood(blockMs: number): Promise<void> {
  const seen = {
    edges: 0,
    rising: 0,
    lost: 0,
    batchMax: 0,
    ordered: true,
    end: '',
    lateMs: 0,
    worstTimerMs: 0,
  };
  let last = 0n;
  let previous = performance.now();
  const timer = setInterval(() => {
    seen.worstTimerMs = Math.max(seen.worstTimerMs, performance.now() - previous);
    previous = performance.now();
  }, 5);
  seen.end = await listen((timesNs, rising, lost) => {
    seen.edges += timesNs.length;
    seen.lost += lost;
    seen.batchMax = Math.max(seen.batchMax, timesNs.length);
    for (const timeNs of timesNs) {
      seen.ordered &&= timeNs >= last;
      last = timeNs;
    }
    for (const level of rising) seen.rising += level;
  }, blockMs);
  seen.lateMs = Number(native.bootTimeNs() - last) / 1e6;
  clearInterval(timer);
  print(seen);
}

async function closeInCallback(): Promise<void> {
  let calls = 0;
  const line: NativeGpioLine = native.gpioOpen(CHIP, REQUEST, () => {
    calls++;
    line.close();
  });
  await sleep(300);
  print({ calls, end: codeOf(() => line.read()) });
}

async function throwInCallback(): Promise<void> {
  const caught: string[] = [];
  process.on('uncaughtException', (error) => caught.push(error.message));
  let calls = 0;
  const end = await listen(() => {
    if (calls++ === 0) throw new Error('the listener is wrong');
  });
  print({ caught, wentOn: calls > 1, end });
}

/** Lines that nobody holds: with edges they stay, without they give their file back. */
async function collect(): Promise<void> {
  const collectGarbage = (globalThis as { gc?: () => void }).gc!;
  const before = openFiles();
  for (let i = 0; i < 200; i++) native.gpioOpen(CHIP, { ...REQUEST, edges: false });
  const held = openFiles() - before;
  let edges = 0;
  const ended = listen((timesNs) => {
    edges += timesNs.length;
  });
  for (let i = 0; i < 10; i++) {
    collectGarbage();
    await sleep(10);
  }
  await ended;
  print({ held, left: openFiles() - before, edges });
}

async function endWorkers(): Promise<void> {
  for (let i = 0; i < 3; i++) {
    const worker = new Worker(new URL(import.meta.url));
    await new Promise((resolve) => worker.on('message', resolve));
    await worker.terminate();
  }
  print({ ended: 3 });
}

const MODES: Record<string, () => Promise<void>> = {
  flood: () => flood(0),
  blocked: () => flood(300),
  closeInCallback,
  throwInCallback,
  collect,
  endWorkers,
};

if (isMainThread) await MODES[process.argv[2]!]!();
else {
  const { parentPort } = await import('node:worker_threads');
  native.gpioOpen(CHIP, REQUEST, () => parentPort!.postMessage('edges'));
}
