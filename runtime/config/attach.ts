import type * as v from 'valibot';
import type { Attachment, DriverDefinition } from '../../drivers/contract/index.js';
import type { Problems } from './problem.js';
import type { gpioEntries, i2cEntries, serialEntries } from './schema.js';
import { find, type MapTree } from './tree.js';
import type { AttachmentConfig, BoardConfig, GpioLineConfig, Place, SerialPortConfig } from './types.js';

type Values<E> = { readonly [K in keyof E]: E[K] extends v.GenericSchema ? v.InferOutput<E[K]> : never };

/** A part's own keys in the file, checked by shape. */
export interface PartValues {
  readonly i2c: Values<ReturnType<typeof i2cEntries>>;
  readonly serial: Values<ReturnType<typeof serialEntries>>;
  readonly gpio: Values<typeof gpioEntries>;
  readonly system: unknown;
}

/** Where a part hangs, and the place in the file that says so. */
export interface Attached {
  readonly attachment: AttachmentConfig;
  /** Of the address, port or line. */
  readonly place: Place;
  /** Of the bus, where that is another one. */
  readonly busPlace?: Place;
}

interface Context {
  /** `parts.climate` */
  readonly name: string;
  readonly tree: MapTree;
  readonly driver: DriverDefinition<Attachment>;
  readonly wiring: Wiring;
  readonly problems: Problems;
}

/** The board's buses, ports and lines, with those that the node file describes by itself. */
export class Wiring {
  readonly board: BoardConfig;
  readonly #serial: Record<string, SerialPortConfig>;
  readonly #gpio: Record<string, GpioLineConfig>;

  constructor(board: BoardConfig) {
    this.#serial = { ...board.serial };
    this.#gpio = { ...board.gpio };
    this.board = { ...board, serial: this.#serial, gpio: this.#gpio };
  }

  /** The key of a port: one of the board, or a device by its path, which is added. */
  port(name: string): string | undefined {
    if (Object.hasOwn(this.#serial, name)) return name;
    if (!name.startsWith('/')) return undefined;
    const known = Object.entries(this.#serial).find(([, port]) => port.device === name);
    if (known) return known[0];
    this.#serial[name] = { device: name, pins: [] };
    return name;
  }

  /** The key of a line by name. */
  line(name: string): string | undefined {
    return Object.hasOwn(this.#gpio, name) ? name : undefined;
  }

  /** The key of the line on a header pin. */
  pin(pin: number): string | undefined {
    return Object.entries(this.#gpio).find(([, line]) => line.pin === pin)?.[0];
  }

  /** The key of a line by chip label and name or offset: the board's where it knows the line, else added. */
  chipLine(chip: string, line: string | number): string {
    const known = Object.entries(this.#gpio).find(
      ([, has]) =>
        has.chipLabels.includes(chip) &&
        (typeof line === 'number' ? has.offset === line : has.lineNames.includes(line)),
    );
    if (known) return known[0];
    const key = `${chip}:${line}`;
    const named = typeof line === 'number' ? { lineNames: [], offset: line } : { lineNames: [line] };
    this.#gpio[key] = { chipLabels: [chip], ...named };
    return key;
  }
}

/** Finds on the board what a part hangs on; undefined, with a problem, when the board hasn't got it. */
export function attach(values: PartValues[Attachment], context: Context): Attached | undefined {
  switch (context.driver.attachment) {
    case 'i2c':
      return attachI2c(values as PartValues['i2c'], context);
    case 'serial':
      return attachSerial(values as PartValues['serial'], context);
    case 'gpio':
      return attachGpio(values as PartValues['gpio'], context);
    case 'system':
      return { attachment: { kind: 'system' }, place: context.tree.place };
  }
}

function attachI2c({ bus, address }: PartValues['i2c'], context: Context): Attached | undefined {
  const { name, tree, wiring, problems } = context;
  const buses = Object.keys(wiring.board.i2c);
  const place = find(tree, ['bus']).tree.place;
  const at = find(tree, ['address']);
  if (buses.includes(bus)) {
    const attachment = { kind: 'i2c', bus, address } as const;
    return { attachment, place: at.found === 0 ? place : at.tree.place, busPlace: place };
  }
  problems.addUnknown(place, `${name}: board ${wiring.board.name} has no I2C bus '${bus}'`, bus, buses);
  return undefined;
}

function attachSerial(values: PartValues['serial'], context: Context): Attached | undefined {
  const { name, tree, wiring, problems } = context;
  const place = find(tree, ['port']).tree.place;
  const port = wiring.port(values.port);
  if (port !== undefined) return { attachment: { kind: 'serial', port, baud: values.baud }, place };
  const ports = [...Object.keys(wiring.board.serial), 'a path such as /dev/serial/by-id/usb-…'];
  const what = `${name}: board ${wiring.board.name} has no port '${values.port}'`;
  problems.addUnknown(place, what, values.port, ports);
  return undefined;
}

function attachGpio(values: PartValues['gpio'], context: Context): Attached | undefined {
  const { name, tree, problems } = context;
  if ((values.line === undefined) === (values.pin === undefined)) {
    const what = values.line === undefined ? "lacks 'line'" : "has both 'line' and 'pin'";
    const place = values.line === undefined ? tree.place : find(tree, ['pin']).keyPlace;
    problems.add(
      place,
      `${name} ${what}`,
      'line (such as GPIO17) or pin (of the header, such as 11), one of them',
    );
    return undefined;
  }
  const place = find(tree, [values.line === undefined ? 'pin' : 'line']).tree.place;
  const line = findLine(values, context, place);
  if (line === undefined) return undefined;
  const { activeLow, bias, debounce } = values;
  const attachment = {
    kind: 'gpio',
    line,
    activeLow,
    bias,
    debounceUs: Math.round(debounce * 1000),
  } as const;
  return { attachment, place };
}

function findLine(
  values: PartValues['gpio'],
  { name, wiring, problems }: Context,
  place: Place,
): string | undefined {
  const { board } = wiring;
  if (typeof values.line === 'object') return wiring.chipLine(values.line.chip, values.line.line);
  const byChip = '{ chip: label, line: name or offset }';
  if (typeof values.line === 'string') {
    const key = wiring.line(values.line);
    const lines = [...Object.keys(board.gpio), byChip];
    if (!key)
      problems.addUnknown(
        place,
        `${name}: board ${board.name} has no line '${values.line}'`,
        values.line,
        lines,
      );
    return key;
  }
  const key = wiring.pin(values.pin!);
  if (key) return key;
  const pins = Object.values(board.gpio).flatMap((line) => line.pin ?? []);
  const what = `${name}: pin ${values.pin} of board ${board.name} is no GPIO line`;
  problems.add(
    place,
    what,
    pins.length > 0 ? `one of the pins ${pins.sort((a, b) => a - b).join(', ')}` : byChip,
  );
  return undefined;
}
