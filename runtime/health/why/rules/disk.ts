import type { GapCause } from '../../../../wire/index.js';
import type { Facts, Rule } from '../facts.js';
import type { Finding, FindingKind } from '../finding.js';

/** LevelDB's logs and a table of a compaction; below it a commit may find no room. */
const FULL_BYTES = 4 * 1024 * 1024;
/** A year is left to change the card at the next visit. */
const WORN_DAYS = 365;

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
  if (flash?.daysLeft === undefined || flash.daysLeft > WORN_DAYS) return [];
  const days = Math.max(0, Math.floor(flash.daysLeft));
  return [
    {
      kind: 'flash.worn',
      about: 'store',
      what:
        days === 0 ? 'the flash has written all that it was made for' : `the flash lasts ${days} days more`,
      evidence: [
        `${Math.round(flash.writtenBytes / 1e9)} GB written in all, ${Math.round(flash.bytesPerDay / 1e6)} MB a day now, of ${Math.round((flash.sizeBytes * flash.cycles) / 1e9)} GB`,
      ],
      todo: 'change the card at this visit; the rows on it go on in the new one (docs/install.md)',
    },
  ];
};

const OFFLINE: readonly FindingKind[] = [
  'network.down',
  'uplink.dns',
  'uplink.certificate',
  'uplink.refused',
  'uplink.down',
  'uplink.receipts',
];

interface Loss {
  readonly what: (rows: number, stream: string) => string;
  readonly todo: string;
  readonly dueTo?: readonly FindingKind[];
}

/** Gaps that say that something is wrong. One of an unclean stop is that stop's, a thinned one is the budget's wish. */
const LOSSES: Readonly<Partial<Record<GapCause, Loss>>> = {
  quota: {
    what: (rows, stream) => `${rows} rows of ${stream} were given up since the start: the store is full`,
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
    what: (rows, stream) => `${rows} rows of ${stream} can’t be read any more: the disk has lost them`,
    todo: 'change the card; dmesg says more',
    dueTo: ['disk.readOnly', 'disk.failing'],
  },
  rejected: {
    what: (rows, stream) => `${rows} rows of ${stream} were refused for good`,
    todo: 'cairn store dead says why, and keeps them',
  },
};

export const lost: Rule = ({ node }) =>
  (node?.store.streams ?? []).flatMap(({ stream, gaps }) =>
    (Object.entries(gaps) as [GapCause, number][]).flatMap(([cause, rows]) => {
      const loss = LOSSES[cause];
      return loss && rows > 0 ? [lossOf(stream, cause, rows, loss)] : [];
    }),
  );

function lossOf(stream: string, cause: GapCause, rows: number, { what, todo, dueTo }: Loss): Finding {
  return {
    kind: cause === 'quota' ? 'store.quota' : 'store.lost',
    about: stream,
    what: what(rows, stream),
    evidence: [`gap ${stream} ${cause}: ${rows} rows`],
    todo,
    ...(dueTo ? { dueTo } : {}),
  };
}
