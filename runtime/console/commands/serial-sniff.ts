import type { HeardPort } from '../../board/index.js';
import type { NodeConfig } from '../../config/index.js';
import { toJson } from '../../control.js';
import type { SniffAnswer } from '../../requests/index.js';
import { askWiring, partNamed } from '../ask-wiring.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
} from '../command.js';
import { readRunning } from '../files.js';
import { RawText } from '../raw-text.js';
import { wrapped } from '../text.js';

/** The usual ones, the commonest of receivers first. */
const RATES = [9600, 4800, 19_200, 38_400, 57_600, 115_200] as const;
/** A receiver that speaks once a second is heard in it. */
const FIND_S = 1.5;
const DEFAULT_S = 10;

export const serialSniff: Command = {
  name: 'serial sniff',
  topic: 'wiring',
  summary: 'what comes on a serial port, and what it looks like; its part is out of use meanwhile',
  usage: '<part | port> [--baud N] [--seconds S] [--hex] [--find] [--config FILE]',
  examples: [
    'cairn serial sniff gps',
    'cairn serial sniff uart0 --baud 4800 --hex',
    'cairn serial sniff gps --find',
  ],
  options: {
    ...CONFIG_OPTION,
    baud: { type: 'string' },
    seconds: { type: 'string' },
    hex: { type: 'boolean' },
    find: { type: 'boolean' },
  },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const config = readRunning(call);
    const { port, baud } = portOf(call, config);
    const isFinding = call.options.find === true;
    const seconds = isFinding ? FIND_S : numberOf(call, 'seconds', DEFAULT_S, 0.1, 50);
    if (isFinding && config.board.kind === 'twin' && config.board.serial[port]?.device === undefined)
      call.terminal.err('(a twin’s line has no rate: it is heard at any)');
    const params = { port, bauds: isFinding ? RATES : [baud], seconds };
    const heard: HeardPort[] = [];
    const text = new RawText(call.terminal.columns, call.options.hex === true);
    for await (const answer of askWiring<SniffAnswer>(call, config, { name: 'sniff', params })) {
      if ('heard' in answer) heard.push(answer.heard);
      if (call.json) call.terminal.out(toJson(answer));
      else if ('heard' in answer) sayHeard(call, port, answer.heard, isFinding ? [] : text.rest());
      else if (!isFinding) for (const line of text.take(answer.hex)) call.terminal.out(line);
      await call.terminal.drained();
    }
    return isFinding ? found(call, port, heard) : judged(heard);
  },
};

function portOf(call: Invocation, config: NodeConfig): { readonly port: string; readonly baud: number } {
  const [name = ''] = call.positionals;
  const onPort = config.parts.find(({ attachment: a }) => a.kind === 'serial' && a.port === name);
  const attachment = (partNamed(config, name) ?? onPort)?.attachment;
  const usual = attachment?.kind === 'serial' ? attachment.baud : RATES[0];
  const baud = numberOf(call, 'baud', usual, 50, 4_000_000);
  if (attachment?.kind === 'serial') return { port: attachment.port, baud };
  if (Object.hasOwn(config.board.serial, name)) return { port: name, baud };
  const parts = config.parts.filter((part) => part.attachment.kind === 'serial').map(({ id }) => id);
  const ports = Object.keys(config.board.serial);
  throw new CommandError(
    EXIT.usage,
    `which port? One of ${[...parts, ...ports].join(', ') || '(there is none)'}`,
  );
}

function numberOf({ options }: Invocation, name: string, usual: number, min: number, max: number): number {
  const number = Number(options[name] ?? usual);
  if (number >= min && number <= max) return number;
  throw new CommandError(EXIT.usage, `--${name}: ${min} to ${max}`);
}

function sayHeard({ terminal }: Invocation, port: string, heard: HeardPort, rest: readonly string[]): void {
  for (const line of rest) terminal.out(line);
  for (const line of wrapped(heardText(port, heard), terminal.columns, 2)) terminal.out(line);
}

const LOOKS: Readonly<Record<HeardPort['looksLike'], string>> = {
  nmea: 'NMEA sentences',
  text: 'text, no NMEA',
  other: 'no text: another rate (--find tries them), or a binary protocol',
  nothing: 'nothing came: is it on, are TX and RX the right way round?',
};

function heardText(port: string, heard: HeardPort): string {
  const { baud, bytes, seconds, sentences, badSentences, framingErrors, looksLike } = heard;
  const perSecond = seconds > 0 ? Math.round(bytes / seconds) : 0;
  const nmea =
    sentences + badSentences > 0 ? `, ${sentences} sentences, ${badSentences} with a bad checksum` : '';
  const errors = framingErrors === undefined ? '' : `, ${framingErrors} framing errors`;
  return `${port} at ${baud} baud: ${bytes} bytes in ${seconds.toFixed(1)} s (${perSecond}/s)${nmea}${errors}; ${LOOKS[looksLike]}`;
}

function judged(heard: readonly HeardPort[]): ExitCode {
  return heard.some(({ looksLike }) => looksLike === 'nmea' || looksLike === 'text') ? EXIT.ok : EXIT.failed;
}

function found({ terminal, json }: Invocation, port: string, heard: readonly HeardPort[]): ExitCode {
  const right = heard.filter(({ looksLike }) => looksLike === 'nmea').map(({ baud }) => baud);
  if (!json)
    terminal.out(
      right.length > 0
        ? `${port}: NMEA at ${right.join(', ')} baud`
        : `${port}: no NMEA at any of these rates`,
    );
  return right.length > 0 ? EXIT.ok : EXIT.failed;
}
