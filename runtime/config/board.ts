import { basename, dirname, join } from 'node:path';
import * as v from 'valibot';
import { check } from './check.js';
import { type ConfigFiles, readYaml } from './files.js';
import { oneOf, type Problems } from './problem.js';
import { text } from './schema.js';
import { find, type MapTree, type Tree } from './tree.js';
import type { BoardConfig, GpioLineConfig, Place } from './types.js';
import { duration } from './units.js';

const NAME = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,31}$/;
const named = <S extends v.GenericSchema>(item: S) =>
  v.record(v.pipe(v.string(), v.regex(NAME, 'a name of letters, digits, - and _')), item);

const pin = v.pipe(
  v.number('a pin number'),
  v.integer('a pin number'),
  v.minValue(1, 'from 1'),
  v.maxValue(1000, 'to 1000'),
);
const pins = v.pipe(
  v.optional(v.array(pin, 'a list of header pins, such as [3, 5]'), []),
  v.description('The header pins it occupies.'),
);
const device = v.pipe(
  v.optional(text('the path of a device')),
  v.description('The device; required where kind is linux.'),
);

const supply = v.pipe(
  v.optional(
    v.strictObject(
      {
        line: text("the name of a line under 'gpio'"),
        activeLow: v.optional(v.boolean('true or false'), false),
      },
      '{ line: GPIO23 }',
    ),
  ),
  v.description("The line that switches the power of the bus's parts: cut where no clock frees a stuck bus."),
);

/** A board file as people write it. */
export const boardFile = v.strictObject({
  title: v.pipe(text('a text'), v.description('What people call the board.')),
  kind: v.pipe(
    v.picklist(['linux', 'twin'], 'linux or twin'),
    v.description('linux: real devices. twin: every part is simulated at its registers.'),
  ),
  gpioBackend: v.pipe(
    v.optional(v.picklist(['auto', 'cdev', 'onoff'], 'auto, cdev or onoff'), 'auto'),
    v.description('auto: the GPIO character device where there is one, else sysfs.'),
  ),
  leds: v.pipe(
    v.optional(v.array(text('the name of a light'))),
    v.description(
      'Lights of the board below /sys/class/leds; `cairn identify` blinks the first that is there.',
    ),
  ),
  i2c: v.optional(
    named(v.strictObject({ device, pins, timeout: v.optional(duration('1ms', '10s'), '100ms'), supply })),
    {},
  ),
  serial: v.optional(named(v.strictObject({ device, pins })), {}),
  gpio: v.optional(
    v.strictObject({
      chips: v.pipe(
        v.optional(v.array(text('a chip label')), []),
        v.description('Labels of the GPIO chip, as `gpiodetect` shows them; the first that exists is used.'),
      ),
      lines: v.pipe(
        named(
          v.strictObject({
            names: v.pipe(
              v.optional(v.array(text('a line name'))),
              v.description("The kernel's names of the line, tried in order; otherwise the key."),
            ),
            offset: v.optional(
              v.pipe(
                v.number('an offset'),
                v.integer('an offset'),
                v.minValue(0, 'from 0'),
                v.maxValue(1023, 'to 1023'),
              ),
            ),
            pin: v.optional(pin),
          }),
        ),
        v.description('Lines by the names that node files use.'),
      ),
    }),
    { lines: {} },
  ),
});
type BoardFile = v.InferOutput<typeof boardFile>;

/** The board that a node file names; undefined, with problems, when there is none or it is wrong. */
export function readBoard(
  node: MapTree,
  files: ConfigFiles,
  boardsPath: string,
  problems: Problems,
): BoardConfig | undefined {
  const { tree, found } = find(node, ['board']);
  if (found === 0 || tree.kind !== 'scalar' || typeof tree.value !== 'string' || tree.value === '')
    return undefined;
  const isPath = /[/\\]|\.ya?ml$/.test(tree.value);
  const file = isPath ? join(dirname(tree.place.file), tree.value) : join(boardsPath, `${tree.value}.yaml`);
  const wanted = () => wantedBoard(isPath, files, boardsPath);
  const board = readYaml(file, files, { place: tree.place, what: `board ${tree.value}`, wanted }, problems);
  return board && boardConfig(board, basename(file).replace(/\.ya?ml$/, ''), problems);
}

function wantedBoard(isPath: boolean, files: ConfigFiles, boardsPath: string): string {
  const known = (files.listFiles?.(boardsPath) ?? [])
    .filter((file) => file.endsWith('.yaml'))
    .map((file) => file.slice(0, -'.yaml'.length))
    .sort();
  if (isPath) return 'the path of a board file, relative to this file';
  return known.length > 0 ? oneOf(known) : `the name of a file in ${boardsPath}, without .yaml`;
}

function boardConfig(tree: MapTree, name: string, problems: Problems): BoardConfig | undefined {
  const before = problems.count;
  const file = check(tree, boardFile, '', problems);
  if (!file) return undefined;
  if (file.kind === 'linux') checkDevices(tree, file, problems);
  checkPins(tree, file, problems);
  checkSupplies(tree, file, problems);
  if (problems.count > before) return undefined;
  return {
    name,
    title: file.title,
    kind: file.kind,
    gpioBackend: file.gpioBackend,
    ...(file.leds && { leds: file.leds }),
    i2c: mapValues(file.i2c, ({ timeout, ...bus }) => ({ ...withoutUndefined(bus), timeoutMs: timeout })),
    serial: mapValues(file.serial, (port) => withoutUndefined(port)),
    gpio: mapValues(file.gpio.lines, (line, key) => lineConfig(line, key, file.gpio.chips)),
  };
}

function lineConfig(
  line: BoardFile['gpio']['lines'][string],
  key: string,
  chipLabels: string[],
): GpioLineConfig {
  const { names, ...rest } = line;
  return { chipLabels, lineNames: names ?? [key], ...withoutUndefined(rest) };
}

function checkDevices(tree: Tree, file: BoardFile, problems: Problems): void {
  for (const section of ['i2c', 'serial'] as const) {
    for (const [key, { device }] of Object.entries(file[section])) {
      if (device !== undefined) continue;
      problems.add(
        find(tree, [section, key]).keyPlace,
        `${section}.${key} lacks 'device'`,
        `'device': its path below /dev`,
      );
    }
  }
  if (Object.keys(file.gpio.lines).length > 0 && file.gpio.chips.length === 0) {
    problems.add(
      find(tree, ['gpio']).keyPlace,
      "gpio lacks 'chips'",
      "'chips': the label of the chip, as gpiodetect shows it",
    );
  }
}

function checkSupplies(tree: Tree, file: BoardFile, problems: Problems): void {
  const lines = Object.keys(file.gpio.lines);
  for (const [key, { supply }] of Object.entries(file.i2c)) {
    if (!supply || lines.includes(supply.line)) continue;
    const { place } = find(tree, ['i2c', key, 'supply', 'line']).tree;
    problems.addUnknown(place, `i2c.${key}.supply: there is no line '${supply.line}'`, supply.line, lines);
  }
}

function checkPins(tree: Tree, file: BoardFile, problems: Problems): void {
  const users = new Map<number, string>();
  for (const [key, { pin: number }] of Object.entries(file.gpio.lines)) {
    if (number === undefined) continue;
    const other = users.get(number);
    if (other === undefined) users.set(number, key);
    else {
      const place: Place = find(tree, ['gpio', 'lines', key, 'pin']).tree.place;
      problems.add(
        place,
        `pin ${number} is both ${oneOf([other, key]).replace(' or ', ' and ')}`,
        'one line a pin',
      );
    }
  }
}

function mapValues<A, B>(
  record: Readonly<Record<string, A>>,
  make: (value: A, key: string) => B,
): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, make(value, key)]));
}

type Defined<T> = { [K in keyof T]: Exclude<T[K], undefined> };

/** The object without keys that hold undefined, as exactOptionalPropertyTypes wants it. */
export function withoutUndefined<T extends object>(object: T): Defined<T> {
  return Object.fromEntries(Object.entries(object).filter(([, value]) => value !== undefined)) as Defined<T>;
}
