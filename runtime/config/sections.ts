import { withoutUndefined } from './board.js';
import { check } from './check.js';
import type { PlacedPart } from './parts.js';
import { oneOf, type Problems } from './problem.js';
import { fusionSchema, storeSchema, uplinkSchema } from './schema.js';
import { find, type MapTree } from './tree.js';
import type { FlashConfig, FusionConfig, Place, SecretFile, StoreConfig, UplinkConfig } from './types.js';

/** `fusion:`, held against the parts it names. Undefined where there is none, or it is wrong. */
export function readFusion(
  node: MapTree,
  parts: readonly PlacedPart[],
  problems: Problems,
): FusionConfig | undefined {
  const at = find(node, ['fusion']);
  const file = at.found === 1 ? check(at, fusionSchema, 'fusion', problems) : undefined;
  checkSlowParts(node, parts, at.found === 1, problems);
  if (!file) return undefined;
  for (const role of ['imu', 'magnetometer'] as const) {
    const id = file[role];
    if (id !== undefined) checkRole(node, role, id, parts, problems);
  }
  return {
    imu: file.imu,
    orientationIntervalMs: file.orientation?.every ?? 0,
    noMotionMs: file.noMotion ?? 0,
    shockMps2: file.shock,
    ...withoutUndefined({ magnetometer: file.magnetometer }),
  };
}

function checkRole(
  node: MapTree,
  role: 'imu' | 'magnetometer',
  id: string,
  parts: readonly PlacedPart[],
  problems: Problems,
): void {
  const place = find(node, ['fusion', role]).tree.place;
  const fit = parts.filter((part) => part.config.driver.feeds === role).map((part) => part.id);
  const title = { imu: 'an accelerometer and gyroscope', magnetometer: 'a magnetometer' }[role];
  const wanted = fit.length > 0 ? oneOf(fit) : `a part that is ${title}`;
  const part = parts.find((candidate) => candidate.id === id);
  if (part && part.config.driver.feeds !== role) {
    problems.add(place, `fusion.${role}: part '${id}' (${part.config.driver.id}) isn't ${title}`, wanted);
  } else if (!part && find(node, ['parts', id]).found < 2) {
    problems.add(place, `fusion.${role}: there is no part '${id}'`, wanted);
  }
}

/** `slow: when still` and `keep: false` mean something only beside fusion. */
function checkSlowParts(
  node: MapTree,
  parts: readonly PlacedPart[],
  fusion: boolean,
  problems: Problems,
): void {
  const fed = ['imu', 'magnetometer'].map((role) => {
    const { tree, found } = find(node, ['fusion', role]);
    return found === 2 && tree.kind === 'scalar' ? tree.value : undefined;
  });
  for (const { id, config } of parts) {
    if (config.slow && !fusion) {
      const place = find(node, ['parts', id, 'slow']).keyPlace;
      problems.add(
        place,
        `parts.${id}.slow: without fusion nobody knows when the node is still`,
        "a 'fusion' section with an imu, or no 'slow'",
      );
    }
    if (!config.keep && !fed.includes(id)) {
      const place = find(node, ['parts', id, 'keep']).tree.place;
      problems.add(
        place,
        `parts.${id} is neither kept nor named under fusion: its rows go nowhere`,
        "keep: true, or its name under 'fusion'",
      );
    }
  }
}

/** `store:`; what it doesn't say has a default, so a file without it is right. */
export function readStore(node: MapTree, problems: Problems): StoreConfig | undefined {
  const at = find(node, ['store']);
  const none: MapTree = { kind: 'map', place: node.place, entries: new Map() };
  const file = check(at.found === 1 ? at : none, storeSchema, 'store', problems);
  if (!file) return undefined;
  const shares = Object.entries(file.quota);
  const sum = shares.reduce((total, [, share]) => total + share, 0);
  if (sum > 100) {
    const list = shares.map(([name, share]) => `${name} ${share}%`).join(' + ');
    const { keyPlace } = find(node, ['store', 'quota']);
    problems.add(
      keyPlace,
      `store.quota: ${list} is ${sum}%`,
      'at most 100% together; what is left is common',
    );
  }
  const placeOf = (key: string): Place | undefined => {
    const entry = find(node, ['store', key]);
    return entry.found === 2 ? entry.tree.place : undefined;
  };
  return {
    path: file.path,
    sizeBytes: file.size,
    quotaPercent: file.quota,
    commitIntervalMs: file.commit,
    reserveAheadMs: file.reserve,
    memoryBytes: file.memory,
    ...(file.flash && { flash: flashOf(file.flash) }),
    places: withoutUndefined({ commit: placeOf('commit'), flash: placeOf('flash') }),
  };
}

function flashOf({ size, cycles, life }: NonNullable<StoreFile['flash']>): FlashConfig {
  return withoutUndefined({ sizeBytes: size, cycles, lifeMs: life });
}

/** `uplink:`. Undefined where there is none, or it is wrong. Risks that work go into `warnings`. */
export function readUplink(node: MapTree, problems: Problems, warnings: Problems): UplinkConfig | undefined {
  const at = find(node, ['uplink']);
  if (at.found === 0) return undefined;
  const file = check(at, uplinkSchema, 'uplink', problems);
  if (!file) return undefined;
  const placeOf = (...path: string[]): Place => find(at, path).keyPlace;
  const secret = (key: 'key' | 'password'): SecretFile | undefined =>
    file[key] && { file: file[key].file, place: find(at, [key, 'file']).tree.place };
  checkTogether(file, placeOf, problems);
  checkCustody(file, placeOf, find(at, ['receipt']).found === 1, problems);
  warnOfKeepAlives(file, placeOf, warnings);
  const { hostname, protocol } = new URL(file.url);
  if (protocol === 'mqtt:' && file.password && !isLoopback(hostname)) {
    warnings.add(placeOf('url'), `uplink sends the password to ${hostname} in the clear`, 'mqtts:// with ca');
  }
  return {
    url: file.url,
    protocol: file.protocol,
    payloads: file.payloads,
    window: file.window,
    backlog: file.backlog,
    links: Object.entries(file.links).map(([name, { interface: pattern, budget, thin }]) => {
      return { name, interface: pattern, budgetBytesPerDay: budget, thin };
    }),
    pubackDeadlineMs: file.puback,
    keepAliveS: Math.round(file.keepAlive / 1000),
    backoffMinMs: file.backoff.min,
    backoffMaxMs: file.backoff.max,
    ...withoutUndefined({
      ca: file.ca?.file,
      certificate: file.certificate?.file,
      username: file.username,
      key: secret('key'),
      password: secret('password'),
      fleet: file.fleetKeys && {
        keys: file.fleetKeys.map((key, index) => {
          return { file: key.file, place: find(at, ['fleetKeys', index, 'file']).tree.place };
        }),
        receiptDeadlineMs: file.receipt,
      },
    }),
  };
}

type StoreFile = NonNullable<ReturnType<typeof check<typeof storeSchema>>>;
type UplinkFile = NonNullable<ReturnType<typeof check<typeof uplinkSchema>>>;

/** A ping and its answer: two bytes each, and the headers of three segments. */
const PING_BYTES = 160;

/** What keep-alives alone use must leave most of a budget. */
function warnOfKeepAlives(file: UplinkFile, placeOf: (...path: string[]) => Place, warnings: Problems): void {
  const bytesPerDay = (PING_BYTES * 86_400_000) / file.keepAlive;
  for (const [name, { budget }] of Object.entries(file.links)) {
    if (bytesPerDay <= budget / 4) continue;
    const longer = Math.ceil((4 * PING_BYTES * 1440) / budget);
    warnings.add(
      placeOf('links', name, 'budget'),
      `keep-alives alone take ${Math.round(bytesPerDay / 1000)} kB of the ${Math.round(budget / 1000)} kB a day of links '${name}'`,
      `a keepAlive of at least ${longer}min, or a larger budget`,
    );
  }
}

/** Keys that only make sense together. */
function checkTogether(file: UplinkFile, placeOf: (...path: string[]) => Place, problems: Problems): void {
  const plainText = new URL(file.url).protocol === 'mqtt:';
  for (const key of ['ca', 'certificate', 'key'] as const) {
    if (file[key] && plainText) {
      problems.add(
        placeOf(key),
        `uplink.${key} is never used with mqtt://`,
        `mqtts:// as url, or no '${key}'`,
      );
    }
  }
  const pairs = [
    ['certificate', 'key'],
    ['key', 'certificate'],
    ['password', 'username'],
  ] as const;
  for (const [has, needs] of pairs) {
    if (file[has] && file[needs] === undefined) {
      problems.add(placeOf(has), `uplink has '${has}' without '${needs}'`, `'${needs}' beside it`);
    }
  }
  if (file.backoff.min > file.backoff.max) {
    problems.add(placeOf('backoff'), 'uplink.backoff: min is longer than max', 'min of at most max');
  }
}

/** Without a key no receipt could be believed, and with custody `broker` none is asked for. */
function checkCustody(
  file: UplinkFile,
  placeOf: (...path: string[]) => Place,
  saysReceipt: boolean,
  problems: Problems,
): void {
  const { fleetKeys, payloads, custody = fleetKeys ? 'fleet' : 'broker' } = file;
  if (custody === 'fleet' && !fleetKeys) {
    const what = 'uplink.custody: fleet, and no key whose receipts could be believed';
    problems.add(placeOf('custody'), what, 'fleetKeys: [{ file: /etc/cairn/fleet.pub }] beside it');
  }
  if (custody === 'fleet' && fleetKeys && !payloads.includes('packet')) {
    const what = 'uplink.payloads: nobody signs receipts for SenML alone, and no block would ever be freed';
    problems.add(placeOf('payloads'), what, "'packet' among them, or custody: broker without fleetKeys");
  }
  const unused = [...(fleetKeys ? ['fleetKeys'] : []), ...(saysReceipt ? ['receipt'] : [])];
  for (const key of custody === 'broker' ? unused : []) {
    const what = `uplink.${key} is never used with custody: broker`;
    problems.add(placeOf(key), what, `custody: fleet with fleetKeys, or no '${key}'`);
  }
}

function isLoopback(hostname: string): boolean {
  return hostname === 'localhost' || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname);
}
