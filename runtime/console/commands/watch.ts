import { ask, controlPath, follow, toJson } from '../../control.js';
import type { SeenRow } from '../../seen-rows.js';
import type { Heard } from '../../tap.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';
import { Sparkline } from '../sparkline.js';
import { wrapped } from '../text.js';

const DEFAULT_EVERY_MS = 1000;
/** Rows that come by themselves may come oftener. */
const LEAST_MS = 500;

export const watch: Command = {
  name: 'watch',
  topic: 'look',
  summary: 'the readings of a part as they come, a line each, until Ctrl-C',
  usage: '<part> [--every SECONDS] [--config FILE]',
  examples: ['cairn watch climate', 'cairn watch imu --every 0.2', 'cairn watch gps --json'],
  options: { ...CONFIG_OPTION, every: { type: 'string' } },
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const [name] = call.positionals;
    const config = readRunning(call);
    const part = config.parts.find(({ id }) => id === name);
    if (!part) {
      const known = config.parts.map(({ id }) => id).join(', ');
      throw new CommandError(EXIT.usage, `which part? cairn watch <part>; the node file has: ${known}`);
    }
    const path = controlPath(config.store.path);
    const everyMs = everyMsOf(call);
    const heard = follow(path, 'rows', { part: part.id }, call.signal) as AsyncIterable<Heard<SeenRow>>;
    const stop = (part.intervalMs ?? 0) > everyMs ? askOften(path, part.id, everyMs) : () => undefined;
    try {
      if ((await show(call, heard, everyMs)) || call.signal.aborted) return EXIT.ok;
    } finally {
      stop();
    }
    throw new CommandError(EXIT.failed, 'no node runs: cairn read asks the part itself');
  },
};

/** A part that is seldom sampled is sampled as often as somebody looks; one that is sampled oftener is not disturbed. */
function askOften(path: string, part: string, everyMs: number): () => void {
  // Should nobody answer, the rows that don't come say so.
  const askNow = () => void ask(path, 'sample', { params: { part } }).catch(() => undefined);
  askNow();
  const timer = setInterval(askNow, Math.max(LEAST_MS, everyMs));
  return () => clearInterval(timer);
}

function everyMsOf({ options }: Invocation): number {
  if (options.every === undefined) return DEFAULT_EVERY_MS;
  const seconds = Number(options.every);
  if (!(seconds >= 0 && seconds <= 3600)) throw new CommandError(EXIT.usage, '--every: 0 to 3600 seconds');
  return seconds * 1000;
}

/** Of each stream a line at most every so often; what comes between is passed by. False: nothing came. */
async function show(
  { terminal, json }: Invocation,
  rows: AsyncIterable<Heard<SeenRow>>,
  leastMs: number,
): Promise<boolean> {
  const lines = new Map<string, Sparkline>();
  const lastNs = new Map<string, bigint>();
  let any = false;
  for await (const heard of rows) {
    any = true;
    if (!('item' in heard)) continue;
    const { stream, timeNs } = heard.item;
    const last = lastNs.get(stream);
    if (last !== undefined && Number(BigInt(timeNs) - last) / 1e6 < leastMs * 0.9) continue;
    lastNs.set(stream, BigInt(timeNs));
    if (json) terminal.out(toJson(heard.item));
    else for (const line of textOf(heard.item, lines, terminal.columns)) terminal.out(line);
    await terminal.drained();
  }
  return any;
}

/** `climate  +12.0 s  temperature 21.4 °C ▃▄▅`; a cell that is not good says so. */
function textOf(
  { stream, timeNs, cells }: SeenRow,
  lines: Map<string, Sparkline>,
  columns: number,
): readonly string[] {
  const texts = cells.map(({ channel, value, unit, quality }) => {
    const line = lines.get(`${stream} ${channel}`) ?? new Sparkline();
    lines.set(`${stream} ${channel}`, line);
    const drawn = typeof value === 'number' && cells.length <= 4 ? ` ${line.add(value)}` : '';
    return `${channel} ${value ?? '-'}${unit && ` ${unit}`}${quality === 'good' ? '' : ` (${quality})`}${drawn}`;
  });
  const seconds = (Number(BigInt(timeNs) / 1_000_000n) / 1000).toFixed(1);
  return wrapped(`${stream} ${seconds} s  ${texts.join('  ')}`, columns, 4);
}
