import type { HalError } from '../../../drivers/contract/index.js';
import type { GpioChipInfo, GpioLineInfo } from '../../../native/types.js';
import type { GpioLineConfig } from '../../config/types.js';
import type { BoardNative } from '../deps.js';
import { lineOf } from '../linux-gpio.js';
import { listText, pinsText, type WiringFault, withNotes } from './fault.js';

const MAX_NAMES = 12;

interface Place {
  readonly chip: GpioChipInfo;
  readonly lines: readonly GpioLineInfo[];
}

/** Why a line could not be opened. The kernel is asked for its list of chips and lines; no line is touched. */
export function explainLine(
  part: string,
  name: string,
  config: GpioLineConfig,
  error: HalError,
  native: Pick<BoardNative, 'gpioChips' | 'gpioLines'>,
): WiringFault {
  const pin = pinsText(config.pin === undefined ? [] : [config.pin]);
  const base = { parts: [part], where: withNotes(name, pin) };
  if (error.kind === 'denied') {
    const expected = 'a line that this user may open';
    return {
      ...base,
      kind: 'denied',
      expected,
      found: 'permission denied',
      todo: 'add the user to the group gpio',
    };
  }
  const chips = native.gpioChips();
  const wanted = config.chipLabels
    .flatMap((label) => chips.filter((chip) => chip.label === label))
    .slice(0, 1);
  if (config.chipLabels.length > 0 && wanted.length === 0) return { ...base, ...noChip(config, chips) };
  const places = (wanted.length ? wanted : chips).map((chip) => ({
    chip,
    lines: native.gpioLines(chip.path),
  }));
  const place = places.find(({ lines }) => lineOf(config, lines));
  const line = place && lineOf(config, place.lines);
  if (!place || !line) return { ...base, ...noLine(config, places) };
  const where = withNotes(name, `${place.chip.name} ${line.offset}`, pin);
  if (error.kind === 'busy' || line.used) return { ...base, where, ...heldLine(line) };
  const found = `${error.kind}: ${error.message}`;
  return {
    ...base,
    where,
    kind: 'other',
    expected: 'a line that can be opened',
    found,
    todo: 'see docs/wiring.md',
  };
}

type Said = Pick<WiringFault, 'kind' | 'expected' | 'found' | 'todo'>;

function noChip(config: GpioLineConfig, chips: readonly GpioChipInfo[]): Said {
  const there = chips.map(({ label, name }) => withNotes(label, name));
  return {
    kind: 'noChip',
    expected: `the chip ${listText(config.chipLabels, 'or')}`,
    found: `no such chip, ${there.length ? `but ${listText(there, 'and')}` : 'nor any other'}`,
    todo: there.length
      ? 'name one that is there in the board file, or load the driver of this one'
      : "load the chip's driver, and see that this user may open /dev/gpiochip*",
  };
}

function noLine(config: GpioLineConfig, places: readonly Place[]): Said {
  const chips = places.map(({ chip, lines }) => {
    const names = lines.map(({ name }) => name).filter((name) => name !== '');
    return `${chip.label} has ${lines.length} lines${names.length ? `: ${some(names)}` : ''}`;
  });
  return {
    kind: 'noLine',
    expected: `the line ${listText(config.lineNames, 'or')}`,
    found: `no such line, ${listText(chips, 'and')}`,
    todo: 'name one that is there, or give its offset in the board file',
  };
}

function heldLine({ consumer }: GpioLineInfo): Said {
  return {
    kind: 'heldLine',
    expected: 'a free line',
    found: `it held by "${consumer || 'an unnamed user'}"`,
    todo: 'end that user, take it out of the device tree, or use another line',
  };
}

function some(names: readonly string[]): string {
  const more = names.length - MAX_NAMES;
  return more > 0 ? `${names.slice(0, MAX_NAMES).join(', ')} and ${more} more` : listText(names, 'and');
}
