import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { formatProblem, type MoreChecks, readOtherFile } from '../runtime/config/index.js';

const text = (wanted: string) => v.pipe(v.string(wanted), v.nonEmpty(wanted), v.maxLength(255, wanted));
const named = <S extends v.GenericSchema>(schema: S, wanted: string) =>
  v.record(
    v.pipe(v.string(), v.regex(/^[A-Za-z][A-Za-z0-9-]{0,39}$/, 'a name of letters, digits and -')),
    schema,
    wanted,
  );
const SUITE = v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/, 'the name of a file of test/hil, without .ts'));
const ADDRESS = 'an address from 0x08 to 0x77';
const DEVICE = text('a device, such as /dev/i2c-1');

const machineSchema = v.pipe(
  v.strictObject(
    {
      /** Debian's stock kernel in QEMU. */
      qemu: v.optional(v.picklist(['amd64', 'arm64'], 'amd64 or arm64')),
      /** A machine with hardware: `local`, or what ssh calls it. */
      host: v.optional(text('local, or user@host as ssh takes it')),
      /** Where the project is copied to on a host that is not local. */
      folder: v.optional(text('a folder on that host'), 'cairn-rig'),
    },
    '{ qemu: amd64 }, { host: local } or { host: pi@bench }',
  ),
  v.check(
    ({ qemu, host }) => (qemu === undefined) !== (host === undefined),
    '{ qemu: amd64 }, { host: local } or { host: pi@bench }',
  ),
);

const lineSchema = v.strictObject(
  {
    /** Label of the chip. */
    chip: text("a chip's label, as gpiodetect shows it"),
    line: text("the line's name in the kernel"),
    /** Needed by sysfs, and where the kernel has no name for the line. */
    offset: v.optional(v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(511))),
    /** The line of this rig that a wire joins it to: the outside end is there. */
    jumper: v.optional(text('the name of another line of this rig')),
  },
  '{ chip: pinctrl-bcm2711, line: GPIO17 }',
);

const busSchema = v.strictObject(
  {
    device: DEVICE,
    /** Where its transfers are served from user space: twins come and go (hil/i2c-adapter). */
    twins: v.optional(DEVICE),
    /** The real parts on it. */
    parts: v.optional(
      named(
        v.strictObject({
          driver: text('the id of a driver'),
          address: v.pipe(
            v.number(ADDRESS),
            v.integer(ADDRESS),
            v.minValue(0x08, ADDRESS),
            v.maxValue(0x77, ADDRESS),
          ),
        }),
        '{ climate: { driver: bme280, address: 0x76 } }',
      ),
    ),
  },
  '{ device: /dev/i2c-1 }',
);

const portSchema = v.strictObject(
  {
    device: DEVICE,
    /** The driver of the real part on it, and its baud. */
    driver: v.optional(text('the id of a driver')),
    baud: v.optional(v.pipe(v.number(), v.integer(), v.minValue(300), v.maxValue(4_000_000))),
  },
  '{ device: /dev/ttyAMA0 }',
);

/** A rig's manifest: what it is made of, and what it lacks and why. What a suite needs is the path of something in here. */
export const rigSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/, 'a name of a-z, 0-9 and -')),
  machine: machineSchema,
  /** Chips that gpio-sim makes before the suites, by label, with their lines' names: the test drives their other side. */
  simulated: v.optional(
    named(
      v.pipe(v.array(text("a line's name")), v.minLength(1), v.maxLength(64)),
      '{ cairn-sim: [SOS, DOOR] }',
    ),
  ),
  lines: v.optional(named(lineSchema, '{ SOS: { chip: …, line: … } }')),
  /** The GPIO interface for kernels without the character device. */
  sysfsGpio: v.optional(text('/sys/class/gpio')),
  buses: v.optional(named(busSchema, '{ main: { device: /dev/i2c-1 } }')),
  ports: v.optional(named(portSchema, '{ gps: { device: /dev/ttyAMA0 } }')),
  /** What the machine that emulates this one does for it (hil/host): the device in the guest, by service. */
  services: v.optional(named(DEVICE, '{ control: /dev/vport0p2 }')),
  /** Programs that suites use. */
  programs: v.optional(v.array(text('the name of a program')), []),
  /** Files of test/hil, run on the rig. */
  suites: v.pipe(v.array(SUITE, 'a list such as [gpio, i2c]'), v.minLength(1, 'one at least')),
  /** Files of test/hil/node, run on the host of a rig in QEMU: they boot the node image. */
  nodeSuites: v.optional(v.array(SUITE), []),
  /** Why something that suites need is not here, by its path. */
  lacks: v.optional(v.record(text('a path, such as lines.SOS'), text('the reason, in a few words')), {}),
});

export type Rig = v.InferOutput<typeof rigSchema>;

/** A rig file is wrong: one line a problem, `file:line:column: what (wanted: …)`. */
export class RigError extends Error {}

/** Reads a rig file; throws RigError. */
export function readRig(file: string): Rig {
  const files = { readFile: (path: string) => readFileSync(path, 'utf8') };
  const { value, problems } = readOtherFile(file, 'the rig file', rigSchema, files, checkNames);
  if (value !== undefined) return value;
  throw new RigError(problems.map(formatProblem).join('\n'));
}

/** What the schema cannot see: names that stand for each other. */
function checkNames(rig: Rig, { place, problems }: MoreChecks): void {
  const lines = rig.lines ?? {};
  for (const [name, { chip, line, jumper }] of Object.entries(lines)) {
    const made = rig.simulated?.[chip];
    const at = (key: string) => place(['lines', name, key]);
    if (made && !made.includes(line))
      problems.addUnknown(at('line'), `${chip} has no line '${line}'`, line, made);
    const others = Object.keys(lines).filter((other) => other !== name);
    if (jumper !== undefined && !others.includes(jumper))
      problems.addUnknown(at('jumper'), `lines.${name}.jumper: no other line '${jumper}'`, jumper, others);
  }
  for (const path of Object.keys(rig.lacks)) {
    if (reaches(rig, path))
      problems.add(place(['lacks', path], 'key'), `the rig has '${path}', and lacks it`, 'one of the two');
  }
}

/** Why the rig cannot give what stands under a path of its manifest, such as `buses.main.twins`; undefined where it can. Throws when the manifest says neither. */
export function lackOf(rig: Rig, path: string): string | undefined {
  if (reaches(rig, path)) return undefined;
  const key = Object.keys(rig.lacks).find((lack) => path === lack || path.startsWith(`${lack}.`));
  if (key !== undefined) return `${rig.name} lacks ${key}: ${rig.lacks[key]}`;
  throw new RigError(
    `rig ${rig.name}: '${path}' is needed; say what it is, or why there is none under 'lacks'`,
  );
}

function reaches(rig: Rig, path: string): boolean {
  let at: unknown = rig;
  for (const step of path.split('.')) {
    if (Array.isArray(at)) return at.includes(step);
    if (typeof at !== 'object' || at === null || !Object.hasOwn(at, step)) return false;
    at = (at as Record<string, unknown>)[step];
  }
  return at !== undefined;
}

/** The number of a line on a chip that gpio-sim makes, or as the manifest says. */
export function offsetOf(rig: Rig, name: string): number | undefined {
  const line = rig.lines?.[name];
  const simulated = line && rig.simulated?.[line.chip]?.indexOf(line.line);
  return simulated ?? line?.offset;
}
