import type { GapCause } from '../../../../wire/index.js';
import type { FlashStatus, StreamStatus } from '../../../store/index.js';
import type { Facts, Rule } from '../facts.js';
import type { Finding, FindingKind } from '../finding.js';

/** LevelDB's logs and a table of a compaction; below it a commit may find no room. */
const FULL_BYTES = 4 * 1024 * 1024;
/** A year is left to change the card at the next visit. */
const WORN_DAYS = 365;
/** Of an hour that fades: 42 minutes after the start. */
const RATED_S = 1800;
/** Of streams that one cause names. */
const NAMES_MAX = 4;

/** A disk that takes nothing, and why. One cause: read-only before full before failing. */
export const disk: Rule = (facts) => {
  const { node, disk: found } = facts;
  const health = node?.store.health;
  const isWriting = health === undefined || health.state === 'ok';
  if (found?.isReadOnly) return [broken(facts, 'disk.readOnly', 'is read-only', READ_ONLY)];
  if (found && found.freeBytes < FULL_BYTES && (!isWriting || node === undefined))
    return [broken(facts, 'disk.full', `is full: ${Math.floor(found.freeBytes / 1000)} kB are left`, FULL)];
  if (!isWriting) return [broken(facts, 'disk.failing', 'refuses to be written', FAILING)];
  return [];
};

const READ_ONLY =
  'the file system was damaged or the card is at its end: change the card (dmesg | grep -i ext4 says more)';
const FULL =
  'make room: something other than the store fills it (du -x / | sort -n | tail); the store keeps to store.size';
const FAILING = 'change the card; dmesg says more. What waits in memory is written once it works';

function broken({ disk: found, node }: Facts, kind: FindingKind, how: string, todo: string): Finding {
  const health = node?.store.health;
  const refusal =
    health && health.state !== 'ok' ? [`${health.waitingRows} rows wait in memory`, health.reason] : [];
  const where = found ? [`${found.path} on ${found.device ?? 'an unknown device'}`] : [];
  return {
    kind,
    about: 'store',
    what: `the disk ${how}`,
    ...(health && health.state !== 'ok' ? { sinceNs: health.since } : {}),
    evidence: [...where, ...refusal],
    todo,
  };
}

export const worn: Rule = ({ node }) => {
  const flash = node?.store.flash;
  if (!flash || !isWorn(flash)) return [];
  const { writtenBytes, enduranceBytes, bytesPerDay, daysLeft = 0 } = flash;
  const days = daysLeft < 1 ? 'less than a day' : `${Math.floor(daysLeft)} days`;
  return [
    {
      kind: 'flash.worn',
      about: 'store',
      what:
        daysLeft === 0
          ? 'the flash has written all that it was made for'
          : `the flash lasts ${days} more at this hour’s rate`,
      evidence: [
        `${gigabytes(writtenBytes)} of ${gigabytes(enduranceBytes)} GB written, ${gigabytes(bytesPerDay)} GB a day now`,
      ],
      todo: 'change the card at this visit; the rows on it go on in the new one (docs/install.md)',
    },
  ];
};

/** What is written is written; a rate of a few minutes is the start's, with its files and its backlog. */
function isWorn({ daysLeft, lookedS }: FlashStatus): boolean {
  return daysLeft === 0 || (daysLeft !== undefined && daysLeft <= WORN_DAYS && lookedS >= RATED_S);
}

function gigabytes(bytes: number): string {
  return (bytes / 1e9).toFixed(bytes < 10e9 ? 1 : 0);
}

const OFFLINE: readonly FindingKind[] = [
  'network.down',
  'uplink.dns',
  'uplink.certificate',
  'uplink.refused',
  'uplink.down',
  'uplink.receipts',
];

interface Loss {
  readonly what: (rows: number, streams: string) => string;
  readonly todo: string;
  readonly dueTo?: readonly FindingKind[];
}

/** Gaps that say that something is wrong. One of an unclean stop is that stop's, a thinned one is the budget's wish. */
const LOSSES: Readonly<Partial<Record<GapCause, Loss>>> = {
  quota: {
    what: (rows, streams) => `${rows} rows of ${streams} were given up since the start: the store is full`,
    todo: 'get the node a link, or give it more room: store.size, store.quota',
    dueTo: OFFLINE,
  },
  overflow: {
    what: (rows, stream) =>
      `${rows} rows of ${stream} were given up since the start: memory could not hold them`,
    todo: 'see to the disk first; a part that gives more than the disk takes needs a longer interval',
    dueTo: ['disk.readOnly', 'disk.full', 'disk.failing', 'machine.memory'],
  },
  rot: {
    what: (rows, streams) => `${rows} rows of ${streams} can’t be read any more: the disk has lost them`,
    todo: 'change the card; dmesg says more',
    dueTo: ['disk.readOnly', 'disk.failing'],
  },
  rejected: {
    what: (rows, streams) => `${rows} rows of ${streams} were refused for good`,
    todo: 'cairn store dead says why, and keeps them',
  },
};

/** One cause, however many streams it took from. */
export const lost: Rule = ({ node }) => {
  const streams = node?.store.streams ?? [];
  return (Object.entries(LOSSES) as [GapCause, Loss][]).flatMap(([cause, loss]) => {
    const hit = streams.filter(({ gaps }) => (gaps[cause] ?? 0) > 0);
    return hit.length > 0 ? [lossOf(cause, hit, loss)] : [];
  });
};

function lossOf(cause: GapCause, hit: readonly StreamStatus[], { what, todo, dueTo }: Loss): Finding {
  const most = hit.toSorted((a, b) => (b.gaps[cause] ?? 0) - (a.gaps[cause] ?? 0));
  const rows = most.reduce((sum, { gaps }) => sum + (gaps[cause] ?? 0), 0);
  const names = most.slice(0, NAMES_MAX).map(({ stream }) => stream);
  const more = most.length > NAMES_MAX ? ` and ${most.length - NAMES_MAX} more` : '';
  return {
    kind: cause === 'quota' ? 'store.quota' : 'store.lost',
    about: most.map(({ stream }) => stream).join(', '),
    what: what(rows, `${names.join(', ')}${more}`),
    evidence: most
      .slice(0, NAMES_MAX)
      .map(({ stream, gaps }) => `gap ${stream} ${cause}: ${gaps[cause]} rows`),
    todo,
    ...(dueTo ? { dueTo } : {}),
  };
}
