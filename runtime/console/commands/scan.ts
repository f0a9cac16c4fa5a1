import { hexByte } from '../../../drivers/contract/index.js';
import type { ScannedAddress, ScannedBus, ScannedOthers, ScannedPort } from '../../board/index.js';
import { toJson } from '../../control.js';
import type { ScanAnswer } from '../../requests/index.js';
import { askWiring, NODE_ENDED } from '../ask-wiring.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT } from '../command.js';
import { readRunning } from '../files.js';
import { wrapped } from '../text.js';

export const scan: Command = {
  name: 'scan',
  topic: 'wiring',
  summary: 'who answers on the I2C buses, which parts don’t, what strangers may be; serial ports, GPIO chips',
  usage: '[bus] [--config FILE]',
  examples: ['cairn scan', 'cairn scan i2c-1', 'cairn scan --json'],
  options: CONFIG_OPTION,
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { terminal, json, positionals, signal } = call;
    const [bus] = positionals;
    let isWell = true;
    let count = 0;
    const params = bus === undefined ? {} : { bus };
    for await (const answer of askWiring<ScanAnswer>(call, readRunning(call), { name: 'scan', params })) {
      count++;
      if ('i2c' in answer && (answer.i2c.silent.length > 0 || answer.i2c.trouble !== undefined))
        isWell = false;
      if (json) terminal.out(toJson(answer));
      else
        for (const line of 'i2c' in answer ? busLines(answer.i2c) : otherLines(answer.others))
          for (const piece of wrapped(line, terminal.columns, 8)) terminal.out(piece);
      await terminal.drained();
    }
    if (count === 0 && !signal.aborted) throw new CommandError(EXIT.failed, NODE_ENDED);
    return isWell && !signal.aborted ? EXIT.ok : EXIT.failed;
  },
};

function busLines({
  bus,
  device,
  pins,
  asked,
  answers,
  silent,
  trouble,
  isThere,
}: ScannedBus): readonly string[] {
  const notes = [device ?? '', pins.length > 0 ? `pins ${pins.join(', ')}` : ''].filter(
    (text) => text !== '',
  );
  const head = `${bus}${notes.length > 0 ? ` (${notes.join(', ')})` : ''}`;
  return [
    isThere ? `${head}: ${answers.length} answer, ${asked} asked` : `${head}: not there`,
    ...answers.map((answer) => `  ${hexByte(answer.address)}  ${whoText(answer)}`),
    ...silent.map(({ part, address }) => `  ${hexByte(address)}  ${part}: NO ANSWER`),
    ...(trouble === undefined ? [] : [`  ${trouble}`]),
  ];
}

function whoText({ part, holder, likely }: ScannedAddress): string {
  if (part !== undefined)
    return holder === undefined ? part : `${part}: held by the kernel’s driver ${holder}`;
  if (holder !== undefined) return `no part; held by the kernel’s driver ${holder}`;
  return `no part; ${likely.length > 0 ? likely.join('; ') : 'no driver knows this address'}`;
}

function otherLines({ ports, otherPorts, chips }: ScannedOthers): readonly string[] {
  return [
    'serial ports',
    ...ports.map(portLine),
    ...otherPorts.map((device) => `  ${device}: there, and not in the board file`),
    ...(ports.length + otherPorts.length === 0 ? ['  none'] : []),
    'GPIO chips',
    ...chips.map(({ name, label, lines }) => `  ${name} (${label}), ${lines} lines`),
    ...(chips.length === 0 ? ['  none: lines are simulated, or the kernel shows none'] : []),
  ];
}

function portLine({ port, device, isThere, part }: ScannedPort): string {
  const where = device === undefined || device === port ? '' : ` ${device}`;
  return `  ${port}${where}: ${part ?? 'no part'}${isThere ? '' : ', NOT THERE'}`;
}
