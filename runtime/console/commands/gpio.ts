import type { LineSight } from '../../board/index.js';
import { toJson } from '../../control.js';
import type { EdgeAnswer } from '../../requests/index.js';
import { askWiring } from '../ask-wiring.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { readRunning } from '../files.js';
import { wrapped } from '../text.js';

export const gpio: Command = {
  name: 'gpio',
  topic: 'wiring',
  summary: 'GPIO lines of the parts: chip and line, level now, edges since the start; nothing is driven',
  usage: '[line | part] [--config FILE]',
  examples: ['cairn gpio', 'cairn gpio GPIO17', 'cairn gpio --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const { terminal, json, positionals } = call;
    const [wanted] = positionals;
    const config = readRunning(call);
    const needs = config.parts.filter(({ attachment }) => attachment.kind === 'gpio');
    let count = 0;
    let isWell = true;
    for await (const line of askWiring<LineSight>(call, config, { name: 'lines', needs })) {
      if (wanted !== undefined && line.line !== wanted && line.part !== wanted) continue;
      count++;
      if (line.trouble !== undefined) isWell = false;
      if (json) terminal.out(toJson(line));
      else for (const piece of wrapped(lineText(line), terminal.columns, 4)) terminal.out(piece);
    }
    if (count === 0)
      throw new CommandError(
        EXIT.usage,
        wanted ? `no part has the line '${wanted}'` : 'no part is on a GPIO line',
      );
    return isWell ? EXIT.ok : EXIT.failed;
  },
};

/** `GPIO17 (pin 11)  sos  in  0 (inactive, high)  gpiochip0 17  3 edges` */
function lineText(sight: LineSight): string {
  const { line, part, pin, where, direction, level, activeLow, trouble, edges, lost } = sight;
  const physical = level === undefined ? undefined : activeLow ? 1 - level : level;
  const state = `${level} (${level === 1 ? 'active' : 'inactive'}, ${physical === 1 ? 'high' : 'low'})`;
  const counted = edges === undefined ? 'edges not counted' : `${edges} edges${lost ? `, ${lost} lost` : ''}`;
  return [
    `${line}${pin === undefined ? '' : ` (pin ${pin})`}`,
    part,
    direction,
    trouble ?? state,
    ...(where === '-' ? [] : [where, counted]),
  ].join('  ');
}

export const gpioWatch: Command = {
  name: 'gpio watch',
  topic: 'wiring',
  summary: 'edges of a part’s GPIO line as they come, a line each, until Ctrl-C',
  usage: '<line | part> [--config FILE]',
  examples: ['cairn gpio watch GPIO17', 'cairn gpio watch sos --json'],
  options: CONFIG_OPTION,
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const { terminal, json, positionals, signal } = call;
    const [line] = positionals;
    const config = readRunning(call);
    const part = config.parts.find(
      ({ id, attachment: a }) => a.kind === 'gpio' && (a.line === line || id === line),
    );
    if (!line || !part) {
      const known = config.parts.flatMap(({ attachment: a }) => (a.kind === 'gpio' ? a.line : []));
      throw new CommandError(EXIT.usage, `which line? One of ${known.join(', ') || '(no part has one)'}`);
    }
    if (terminal.interactive) terminal.err('waiting for edges; Ctrl-C ends it …');
    const asked = { name: 'edges', params: { line }, needs: [part] } as const;
    let lastNs: bigint | undefined;
    for await (const edge of askWiring<EdgeAnswer>(call, config, asked)) {
      const timeNs = BigInt(edge.timeNs);
      if (json) terminal.out(toJson(edge));
      else terminal.out(edgeText(edge, timeNs, lastNs));
      lastNs = timeNs;
      await terminal.drained();
    }
    if (signal.aborted) return EXIT.ok;
    throw new CommandError(
      EXIT.failed,
      `${line} is no longer watched: its part was closed, or the node ended`,
    );
  },
};

/** `  3602.123456 s  active    +0.042 s` */
function edgeText({ isRising, lost }: EdgeAnswer, timeNs: bigint, lastNs: bigint | undefined): string {
  const seconds = (Number(timeNs / 1000n) / 1e6).toFixed(6);
  const since = lastNs === undefined ? '' : `  +${(Number(timeNs - lastNs) / 1e9).toFixed(6)} s`;
  const missing = lost > 0 ? `  ${lost} lost before it` : '';
  return `${seconds.padStart(14)} s  ${isRising ? 'active  ' : 'inactive'}${since}${missing}`.trimEnd();
}
