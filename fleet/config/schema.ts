import { isIP } from 'node:net';
import * as v from 'valibot';

const port = v.pipe(v.number(), v.integer(), v.minValue(0), v.maxValue(65_535));
const path = v.pipe(v.string(), v.startsWith('/', 'an absolute path is wanted'), v.maxLength(1024));
const host = v.pipe(v.string(), v.minLength(1), v.maxLength(255));

function urlOf(...protocols: readonly string[]) {
  return v.pipe(
    v.string(),
    v.maxLength(1024),
    v.check(
      (text) => URL.canParse(text) && protocols.includes(new URL(text).protocol),
      `a URL is wanted that begins with ${protocols.map((name) => `${name}//`).join(' or ')}`,
    ),
  );
}

const postgres = urlOf('postgresql:', 'postgres:');

/** `192.0.2.7`, or the network `192.0.2.0/24`. */
const network = v.pipe(
  v.string(),
  v.check((text) => {
    const [address = '', prefix = '32', ...more] = text.split('/');
    const bits = { 0: 0, 4: 32, 6: 128 }[isIP(address)] ?? 0;
    return more.length === 0 && /^[1-9]\d{0,2}$/.test(prefix) && Number(prefix) <= bits;
  }, 'an address or a network is wanted: 192.0.2.7, 192.0.2.0/24'),
);

const tls = v.strictObject({ cert: path, key: path, ca: v.optional(path) });

/** Of this machine; an IPv6 address with or without its brackets. */
export function isLoopbackHost(host: string): boolean {
  return /^(127\.\d+\.\d+\.\d+|\[?::1\]?|localhost)$/.test(host);
}

/** The fleet's own, in its process. */
const ownBroker = v.pipe(
  v.strictObject({
    host: v.optional(host, '127.0.0.1'),
    port: v.optional(port, 1883),
    tls: v.optional(tls),
    /** `loopback`: any client of this machine may read everything. For a demo. */
    open: v.optional(v.picklist(['nobody', 'loopback']), 'nobody'),
  }),
  v.check(
    ({ host, tls }) => isLoopbackHost(host) || tls?.ca !== undefined,
    'who listens beyond this machine wants tls with cert, key and ca: a node shows a certificate whose CN is its id',
  ),
);

const mqttName = v.pipe(
  v.string(),
  v.regex(/^[A-Za-z0-9_-]{1,64}$/, 'at most 64 letters, digits, _ and - are wanted'),
);

/** mosquitto or any other. */
const otherBroker = v.pipe(
  v.strictObject({
    url: urlOf('mqtt:', 'mqtts:'),
    clientId: v.optional(mqttName, 'cairn-fleet'),
    /** Several processes share what comes: one group a fleet. */
    shared: v.optional(mqttName),
    username: v.optional(v.pipe(v.string(), v.maxLength(256))),
    passwordFile: v.optional(path),
    ...{ ca: v.optional(path), cert: v.optional(path), key: v.optional(path) },
  }),
  v.check(
    ({ cert, key }) => (cert === undefined) === (key === undefined),
    'cert and key go together: the broker is shown both or none',
  ),
);

/** By `url`, so that what is wrong is said of the one that is meant. */
const broker = v.lazy((input): typeof ownBroker | typeof otherBroker =>
  typeof input === 'object' && input !== null && 'url' in input ? otherBroker : ownBroker,
);

const trackerId = v.pipe(
  v.string(),
  v.regex(
    /^[A-Za-z0-9-]{1,32}$/,
    'an id of 1 to 32 letters, digits and - is wanted, in quotes where it is a number',
  ),
);

const tiles = v.strictObject({
  url: v.pipe(
    urlOf('http:', 'https:'),
    v.check((text) => {
      const [, path = ''] = /^\w+:\/\/[^/{]+(\/.*)$/.exec(text) ?? [];
      return ['{z}', '{x}', '{y}'].every((part) => path.includes(part));
    }, 'a path with {z}, {x} and {y} is wanted: https://tiles.example/{z}/{x}/{y}.png'),
  ),
  attribution: v.pipe(v.string(), v.minLength(1), v.maxLength(200)),
});

const web = v.pipe(
  v.strictObject({
    host: v.optional(host, '127.0.0.1'),
    port: v.optional(port, 8000),
    /** What people type, where a proxy stands before it: links in mails, and cookies for https. */
    url: v.optional(urlOf('http:', 'https:')),
    /** Whose word on where a request comes from is believed; absent: with `url` this machine's, else nobody's. */
    proxy: v.optional(v.pipe(v.array(network), v.minLength(1), v.maxLength(16))),
    /** Below the points of the map. */
    tiles: v.optional(tiles),
    /** `loopback`: who comes from this machine may look without signing in. For a demo, and for a machine of one's own. */
    open: v.optional(v.picklist(['nobody', 'loopback']), 'nobody'),
  }),
  v.check(
    ({ host, url }) => isLoopbackHost(host) || url?.startsWith('https:') === true,
    'who listens beyond this machine wants a proxy that speaks https, and its url: passwords would cross the network as they are',
  ),
  v.check(
    ({ url, proxy, open }) =>
      open === 'nobody' || (!proxy && (!url || isLoopbackHost(new URL(url).hostname))),
    'through the proxy that stands before url everybody comes from this machine: open: nobody is wanted with it',
  ),
);

const mail = v.strictObject({
  url: urlOf('smtp:', 'smtps:'),
  from: v.pipe(v.string(), v.email('an e-mail address is wanted: fleet@example.org')),
  passwordFile: v.optional(path),
});

const sms = v.union(
  [
    v.strictObject({ spool: path }),
    v.strictObject({ gateway: urlOf('http:', 'https:'), tokenFile: v.optional(path) }),
  ],
  'either spool (of smstools), or gateway',
);

/** Whole days (UTC), as `400d`. */
const days = v.pipe(
  v.string('a number of days is wanted, such as 400d'),
  v.regex(/^[1-9]\d{0,4}d$/, 'a number of days is wanted, such as 400d'),
  v.transform((text) => Number(text.slice(0, -1))),
);

const entries = v.strictObject({
  /** Everything that the fleet writes: its keys, its spool, and SQLite's file. */
  data: path,
  /** Absent: SQLite, `fleet.db` in `data`. */
  database: v.optional(
    v.union(
      [postgres, v.strictObject({ url: postgres, passwordFile: path })],
      'either a URL, or url and passwordFile',
    ),
  ),
  broker: v.optional(broker, {}),
  web: v.optional(web, {}),
  /** Small trackers that speak lines over TCP; absent: none. */
  listener: v.optional(
    v.strictObject({
      host: v.optional(host, '127.0.0.1'),
      port: v.optional(port, 9000),
      /** Trackers that may speak; absent: any. */
      ids: v.optional(v.pipe(v.array(trackerId), v.maxLength(10_000))),
    }),
  ),
  /** Whom alerts are told where a rule doesn't say: `mail:ops@example.org`, `sms:+336…`. */
  tell: v.optional(
    v.pipe(
      v.array(
        v.pipe(
          v.string(),
          v.regex(/^(mail|sms):\S{3,200}$/, 'mail:ops@example.org or sms:+33612345678 is wanted'),
        ),
      ),
      v.maxLength(32),
    ),
    [],
  ),
  /** What is older goes; what isn't named is kept for ever. */
  retention: v.optional(
    v.strictObject({ readings: v.optional(days), events: v.optional(days), logs: v.optional(days) }),
    {},
  ),
  mail: v.optional(mail),
  sms: v.optional(sms),
});

function reaches(way: 'mail' | 'sms') {
  return v.forward(
    v.check(
      (file: v.InferOutput<typeof entries>) =>
        file[way] !== undefined || !file.tell.some((target) => target.startsWith(`${way}:`)),
      `nobody is reached by ${way} without the section \`${way}\``,
    ),
    ['tell'],
  );
}

export const fleetSchema = v.pipe(entries, reaches('mail'), reaches('sms'));

export type FleetConfig = v.InferOutput<typeof fleetSchema>;
