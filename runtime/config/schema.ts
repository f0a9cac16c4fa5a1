import * as v from 'valibot';
import { type Attachment, type DriverDefinition, STREAM_CLASSES } from '../../drivers/contract/index.js';
import { oneOf } from './problem.js';
import {
  accelerationMps2,
  autoOrDuration,
  bytesPerDay,
  duration,
  lifeMs,
  percent,
  sizeBytes,
} from './units.js';

/** The shapes of a node file's sections but the parts, with the words that an editor shows. */

const NAME = /^[a-z0-9][a-z0-9-]{0,62}$/;
const SECRET_WANTED =
  '{ file: /path/of/the/secret }, a file that only its user may read (mode 0600); secrets never stand in a node file';

export const text = (wanted: string) =>
  v.pipe(v.string(wanted), v.nonEmpty(wanted), v.maxLength(255, 'at most 255 characters'));

const publicFile = (wanted: string) =>
  v.strictObject({ file: text('the path of a file') }, `{ file: ${wanted} }`);
const secretFile = v.strictObject({ file: text('the path of a file') }, SECRET_WANTED);

const described = <S extends v.GenericSchema>(schema: S, words: string) =>
  v.pipe(schema, v.description(words));
const whole = (min: number, max: number, wanted: string) =>
  v.pipe(v.number(wanted), v.integer(wanted), v.minValue(min, wanted), v.maxValue(max, wanted));

const LEVELS = ['debug', 'info', 'warn', 'error'] as const;

export const fileEntries = {
  node: described(
    v.pipe(
      v.string('a name of a-z, 0-9 and -, such as depot-7; a number in quotes'),
      v.regex(NAME, 'a name of a-z, 0-9 and -, at most 63 characters, such as depot-7'),
    ),
    'The name of the node: it is part of every MQTT topic.',
  ),
  board: described(
    text('the name of a board file, such as raspberry-pi-4, or the path of one'),
    'A file of board-configs/boards/ without .yaml, or a path relative to this file.',
  ),
  identity: described(
    v.optional(text('the path of a directory'), '/etc/cairn'),
    "The directory with the node's key, made by `cairn init`.",
  ),
  include: described(
    v.optional(
      v.array(text('a path relative to this file'), 'a list of paths, such as [../fragments/broker.yaml]'),
      [],
    ),
    'Fragments: node files in part, laid under this one; later ones over earlier ones.',
  ),
  log: described(
    v.optional(v.picklist(LEVELS, 'debug, info, warn or error'), 'info'),
    "The least level of the node's own log that is shown.",
  ),
};

export const fusionSchema = described(
  v.strictObject(
    {
      imu: described(text('the name of a part'), 'The part with accelerometer and gyroscope.'),
      magnetometer: described(
        v.optional(text('the name of a part')),
        'The part that gives orientation its north.',
      ),
      orientation: described(
        v.optional(v.strictObject({ every: duration('10ms', '1h') }, '{ every: 1s }')),
        'How often orientation is stored; without this, never.',
      ),
      noMotion: described(
        v.optional(duration('5s', '24h')),
        'Stillness for so long raises an alarm; without this, never.',
      ),
      shock: described(
        v.optional(accelerationMps2(15, 150), '40 m/s2'),
        'Acceleration that counts as a shock.',
      ),
    },
    'a mapping such as { imu: imu }',
  ),
  'Motion and orientation, from the parts named here.',
);

export const DEFAULT_STORE_PATH = '/var/lib/cairn/store';

/** Shares that leave 25 % common: an alarm always finds room, and telemetry gives way last but for it. */
const QUOTAS = { alarm: '10%', event: '10%', telemetry: '40%', bulk: '10%', log: '5%' } as const;
const quota = (name: keyof typeof QUOTAS) => v.optional(percent(1, 95), QUOTAS[name]);

export const storeSchema = described(
  v.strictObject(
    {
      path: described(
        v.optional(text('the path of a directory'), DEFAULT_STORE_PATH),
        'The directory of the store.',
      ),
      size: described(
        v.optional(sizeBytes('16 MB', '1000 GB'), '512 MB'),
        'All that the store may take on the disk.',
      ),
      quota: described(
        v.optional(
          v.strictObject({
            alarm: quota('alarm'),
            event: quota('event'),
            telemetry: quota('telemetry'),
            bulk: quota('bulk'),
            log: quota('log'),
          } satisfies Record<(typeof STREAM_CLASSES)[number], v.GenericSchema>),
          {},
        ),
        'Shares of the size that a class keeps for itself; the rest is common.',
      ),
      commit: described(
        v.optional(autoOrDuration('50ms', '10min'), 'auto'),
        'How often rows go to the disk: so much is lost at a power cut, and flash wears by it. auto: 1 s to 60 s, as the flash bears it. Alarms go at once, events and live parts within 1 s.',
      ),
      reserve: described(
        v.optional(duration('1s', '10min'), '10s'),
        'How far ahead row numbers are reserved at least: the longest gap after a power cut. Two commit intervals where that is more.',
      ),
      flash: described(
        v.optional(
          v.strictObject(
            {
              size: described(
                v.optional(sizeBytes('1 GB', '100000 GB')),
                'Of the whole card; otherwise looked up.',
              ),
              cycles: described(
                v.optional(whole(10, 1_000_000, 'a whole number from 10 to 1000000')),
                'How often a cell can be erased and written: TLC 300 to 1000, MLC 3000, SLC 50000. Otherwise 300.',
              ),
              life: described(v.optional(lifeMs(30, 50)), 'How long it shall last. Otherwise 5y.'),
            },
            'a mapping such as { size: 32 GB, cycles: 500, life: 5y }',
          ),
        ),
        'The card or flash that the store lies on, so that it is not worn out before its time.',
      ),
      memory: described(
        v.optional(sizeBytes('1 MB', '256 MB'), '8 MB'),
        'Rows that wait for a disk that fails, at most.',
      ),
    },
    'a mapping such as { size: 512 MB }',
  ),
  'Where rows are kept until the broker has them.',
);

const LINK_WANTED = '{ interface: ppp*, budget: 50 kB/day }';
const THIN_WANTED = 'a list of telemetry, bulk and log, such as [bulk]';

const linkSchema = v.strictObject(
  {
    interface: described(
      v.pipe(
        v.string('the name of a network interface, such as wwan0 or ppp*'),
        v.regex(/^[\w.:*-]{1,32}$/, 'the name of a network interface, such as wwan0 or ppp*'),
      ),
      'The interfaces that it is; * stands for any characters.',
    ),
    budget: described(
      bytesPerDay('1 kB', '1000 GB'),
      'Bytes a day, both ways, headers, TLS and keep-alives included.',
    ),
    thin: described(
      v.optional(v.array(v.picklist(['telemetry', 'bulk', 'log'], THIN_WANTED), THIN_WANTED), ['bulk']),
      'Classes that may be thinned where the budget does not carry them and the store fills.',
    ),
  },
  LINK_WANTED,
);

const URL_WANTED = 'mqtt://host:1883 or mqtts://host:8883, without a path, a user or a password';

const KEYS_WANTED = 'a list of public keys, such as [{ file: /etc/cairn/fleet.pub }]';

export const uplinkSchema = described(
  v.strictObject(
    {
      url: described(v.pipe(v.string(URL_WANTED), v.check(isBrokerUrl, URL_WANTED)), 'The broker.'),
      protocol: described(
        v.optional(v.picklist(['auto', '5', '3.1.1'], "auto, '5' or '3.1.1', in quotes"), 'auto'),
        'The MQTT version; auto tries 5 first.',
      ),
      ca: v.optional(publicFile('/etc/cairn/ca.pem')),
      certificate: v.optional(publicFile('/etc/cairn/node.pem')),
      key: v.optional(secretFile),
      username: v.optional(text('a text; a number in quotes')),
      password: v.optional(secretFile),
      payloads: described(
        v.optional(
          v.pipe(
            v.array(v.picklist(['packet', 'senml+json'], 'packet or senml+json'), 'a list such as [packet]'),
            v.minLength(1, 'packet, senml+json or both'),
            v.check((list) => new Set(list).size === list.length, 'each payload once'),
          ),
          ['packet'],
        ),
        'packet: blocks as docs/wire-format.md has them. senml+json: RFC 8428.',
      ),
      window: described(
        v.optional(whole(1, 1000, 'a whole number from 1 to 1000'), 64),
        'Blocks sent and not yet answered, at most.',
      ),
      backlog: described(
        v.optional(v.picklist(['oldest', 'newest'], 'oldest or newest'), 'oldest'),
        'Which blocks go first of what waited for the link; live ones go beside them.',
      ),
      links: described(
        v.optional(
          v.record(
            v.pipe(v.string(), v.regex(NAME, 'a name of a-z, 0-9 and -')),
            linkSchema,
            `a mapping such as { satellite: ${LINK_WANTED} }`,
          ),
          {},
        ),
        'Budgets of bytes by the network interface in use; the first that fits counts, other links are free.',
      ),
      custody: described(
        v.optional(v.picklist(['fleet', 'broker'], 'fleet or broker')),
        "Whose word frees a block: the fleet's signed receipt or the broker's acknowledgement; fleet where fleetKeys are given.",
      ),
      fleetKeys: described(
        v.optional(
          v.pipe(
            v.array(publicFile('/etc/cairn/fleet.pub'), KEYS_WANTED),
            v.minLength(1, KEYS_WANTED),
            v.maxLength(8, 'at most 8 keys'),
          ),
        ),
        'Public keys whose receipts are believed; two while one takes over from the other.',
      ),
      receipt: described(
        v.optional(duration('5s', '1h'), '1min'),
        'How long a block waits for its receipt before it is sent again; doubled each time, at most an hour.',
      ),
      puback: described(
        v.optional(duration('1s', '10min'), '20s'),
        'How long a block waits for its answer, at most; one and a half keepAlive where that is sooner.',
      ),
      keepAlive: described(v.optional(duration('5s', '18h'), '60s'), 'How soon a dead link is noticed.'),
      backoff: described(
        v.optional(
          v.strictObject({
            min: v.optional(duration('100ms', '1h'), '1s'),
            max: v.optional(duration('1s', '24h'), '5min'),
          }),
          {},
        ),
        'The wait between tries: up to three times min at first, longer by half each time, at most max.',
      ),
    },
    "a mapping such as { url: 'mqtts://broker.example:8883' }",
  ),
  'The broker that rows go to; without this, the node only stores.',
);

function isBrokerUrl(value: string): boolean {
  if (!URL.canParse(value)) return false;
  const url = new URL(value);
  const bare = url.username === '' && url.password === '' && url.search === '' && url.hash === '';
  return (
    ['mqtt:', 'mqtts:'].includes(url.protocol) &&
    url.hostname !== '' &&
    bare &&
    ['', '/'].includes(url.pathname)
  );
}

/** What every part may have, whatever its driver. */
export const partEntries = {
  title: described(v.optional(text('a text')), 'What people call it; otherwise the driver says.'),
  class: described(
    v.optional(v.picklist(STREAM_CLASSES, STREAM_CLASSES.join(', '))),
    'How precious its rows are, from the most to the least; otherwise the driver says.',
  ),
  keep: described(
    v.optional(v.boolean('true or false'), true),
    'false: its rows feed fusion only and are not stored.',
  ),
  live: described(
    v.optional(v.boolean('true or false'), false),
    'true: its rows are on the disk within a second and are sent before a backlog, whatever that costs in flash. Alarms and events always are.',
  ),
};

/** Where a part hangs, by its kind of attachment; what the driver knows is its default and its bound. */
export const i2cEntries = ({ addresses }: DriverDefinition<Attachment>) => {
  const possible = addresses ? oneOf(addresses.map(hex)) : 'a 7-bit address from 0x08 to 0x77';
  const fits = (value: number) => (addresses ? addresses.includes(value) : value >= 0x08 && value <= 0x77);
  const address = v.pipe(v.number(possible), v.integer(possible), v.check(fits, possible));
  const usual = addresses?.[0];
  const optional: v.GenericSchema<unknown, number> =
    usual === undefined ? address : v.optional(address, usual);
  return {
    bus: described(
      text('a bus of the board, such as i2c-1'),
      'The I2C bus it hangs on, by its name in the board file.',
    ),
    address: described(
      optional,
      `Its address: ${possible}.${usual === undefined ? '' : ` Otherwise ${hex(usual)}.`}`,
    ),
  };
};

export const serialEntries = ({ baud: usual }: DriverDefinition<Attachment>) => {
  const baud = whole(300, 4_000_000, 'a whole number from 300 to 4000000, such as 9600');
  const optional: v.GenericSchema<unknown, number> = usual === undefined ? baud : v.optional(baud, usual);
  return {
    port: described(
      text('a port of the board, such as uart0, or a path such as /dev/serial/by-id/usb-…'),
      'A port of the board file, or a device path; by-id paths survive another USB socket.',
    ),
    baud: described(optional, `Bits a second.${usual === undefined ? '' : ` Otherwise ${usual}.`}`),
  };
};

export const gpioEntries = {
  line: described(
    v.optional(
      v.union(
        [text(''), v.strictObject({ chip: text(''), line: v.union([text(''), whole(0, 1023, '')]) })],
        'a line of the board, such as GPIO17, or { chip: its label, line: its name or offset }',
      ),
    ),
    'The GPIO line, by its name in the board file or by chip label and line; or give pin.',
  ),
  pin: described(
    v.optional(whole(1, 1000, 'the number of a header pin, such as 11')),
    'The header pin, instead of line.',
  ),
  activeLow: described(v.optional(v.boolean('true or false'), false), 'true: a low level is active.'),
  bias: described(
    v.optional(
      v.picklist(['asIs', 'disabled', 'pullUp', 'pullDown'], 'asIs, disabled, pullUp or pullDown'),
      'asIs',
    ),
    'The pull resistor.',
  ),
  debounce: described(
    v.optional(duration('0ms', '1s'), '0ms'),
    'How long a level must hold before it counts.',
  ),
};

export function hex(address: number): string {
  return `0x${address.toString(16).padStart(2, '0')}`;
}
