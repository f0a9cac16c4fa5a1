import { hexByte } from '../../../drivers/contract/index.js';
import type { RegisterRange, Registers } from '../../board/index.js';
import type { NodeConfig } from '../../config/index.js';
import { toJson } from '../../control.js';
import { askWiring, NODE_ENDED, partNamed } from '../ask-wiring.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';
import { sayLines } from '../say-lines.js';

const COLUMNS = 16;

export const i2cDump: Command = {
  name: 'i2c dump',
  topic: 'wiring',
  summary:
    'registers of an I2C part as a table; reads only, yet a read can clear a flag or take out a sample',
  usage: '(<part> | <bus> <address>) [--from R] [--count N] [--words] [--any] [--config FILE]',
  examples: ['cairn i2c dump climate --from 0xd0 --count 16', 'cairn i2c dump i2c-1 0x50 --any --json'],
  options: {
    ...CONFIG_OPTION,
    from: { type: 'string' },
    count: { type: 'string' },
    words: { type: 'boolean' },
    any: { type: 'boolean' },
  },
  role: 'technician',
  onConsole: true,
  async run(call) {
    const config = readRunning(call);
    const place = placeOf(call, config);
    await guard(call, config, place);
    if (call.terminal.interactive)
      call.terminal.err('a read can clear a flag, or take a sample out of a queue …');
    const params: RegisterRange = {
      ...place,
      from: numberOf(call, 'from', 0, 255),
      count: numberOf(call, 'count', 1, 256),
      width: call.options.words === true ? 2 : 1,
    };
    for await (const read of askWiring<Registers>(call, config, { name: 'registers', params })) {
      if (call.json) call.terminal.out(toJson({ ...read, width: params.width }));
      else await sayLines(call, tableOf(read, params.width));
      return read.trouble === undefined ? EXIT.ok : EXIT.failed;
    }
    if (call.signal.aborted) return EXIT.failed;
    throw new CommandError(EXIT.failed, NODE_ENDED);
  },
};

type Place = Pick<RegisterRange, 'bus' | 'address'>;

function placeOf({ positionals }: Invocation, config: NodeConfig): Place {
  const [name = '', address] = positionals;
  const attachment = partNamed(config, name)?.attachment;
  if (attachment?.kind === 'i2c') return { bus: attachment.bus, address: attachment.address };
  if (attachment) throw new CommandError(EXIT.usage, `${name} is not on I2C but on ${attachment.kind}`);
  const at = Number(address);
  if (Object.hasOwn(config.board.i2c, name) && Number.isInteger(at) && at >= 0x03 && at <= 0x77)
    return { bus: name, address: at };
  const parts = config.parts.filter((part) => part.attachment.kind === 'i2c').map(({ id }) => id);
  const buses = Object.keys(config.board.i2c);
  throw new CommandError(
    EXIT.usage,
    `which part? One of ${parts.join(', ') || '(none is on I2C)'}; or a bus (${buses.join(', ')}) and an address from 0x03 to 0x77`,
  );
}

/** Of a part that the node file names, it is known what it is; of a stranger, nobody knows what a read does. */
async function guard(
  { options, terminal, caller }: Invocation,
  config: NodeConfig,
  place: Place,
): Promise<void> {
  const isKnown = config.parts.some(
    ({ attachment: a }) => a.kind === 'i2c' && a.bus === place.bus && a.address === place.address,
  );
  if (isKnown) return;
  const where = `${place.bus} ${hexByte(place.address)}`;
  if (options.any !== true)
    throw new CommandError(
      EXIT.usage,
      `${where} is no part of the node file; read it all the same with --any`,
    );
  if (caller.role === 'owner') return;
  const typed = await terminal.ask(
    `Nobody knows what reading ${where} does to what is there. Read it? (yes) `,
  );
  if (typed?.trim() !== 'yes') throw new CommandError(EXIT.refused, 'nothing was read');
}

function numberOf({ options }: Invocation, name: 'from' | 'count', min: number, max: number): number {
  const given = options[name];
  if (given === undefined) return name === 'from' ? 0 : max;
  const number = Number(given);
  if (Number.isInteger(number) && number >= min && number <= max) return number;
  throw new CommandError(EXIT.usage, `--${name}: ${min} to ${max}, such as 0xd0 or 208`);
}

/** Rows begin at a multiple of 16 (of 8, where registers have 16 bits); `--` can't be read. */
function tableOf({ where, from, values, trouble }: Registers, width: 1 | 2): readonly string[] {
  const perRow = COLUMNS / width;
  const first = from - (from % perRow);
  const last = from + values.length;
  const cellOf = (at: number) => {
    if (at < from || at >= last) return ' '.repeat(2 * width);
    return values[at - from]?.toString(16).padStart(2 * width, '0') ?? '-'.repeat(2 * width);
  };
  const columns = Array.from({ length: perRow }, (_, i) => i);
  const rows: string[] = [];
  for (let row = first; row < last; row += perRow)
    rows.push(`${hexByte(row)}  ${columns.map((i) => cellOf(row + i)).join(' ')}`.trimEnd());
  const head = columns.map((i) => i.toString(16).padEnd(2 * width)).join(' ');
  return [where, `      ${head}`.trimEnd(), ...rows, ...(trouble === undefined ? [] : [`ended: ${trouble}`])];
}
