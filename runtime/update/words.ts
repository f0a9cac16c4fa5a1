import type { Outcome, Trial } from './records.js';

const WHY: Readonly<Record<Outcome['why'], string>> = {
  receipt: 'a reading of the trial got its receipt',
  technician: 'a technician asked for it',
  expired: 'its time was over, and neither a receipt nor a technician had confirmed it',
  crashed: '3 starts in a row ended before they settled',
  check: 'the check on the node found it wrong',
  damaged: 'its file in the state folder is damaged',
  uncounted: 'its start could not be counted on the disk',
  replaced: 'another one was applied',
};

/** As people write a SHA-256. */
export function shortOf(sha256: string): string {
  return sha256 === '' ? 'unknown' : sha256.slice(0, 12);
}

/** What became of a configuration, in a sentence or two. */
export function outcomeText({ what, why, by, sha256, next, evidence }: Outcome): string {
  const { error, end, spentMs, minutes } = evidence;
  const facts = [
    ...(by === undefined ? [] : [`by ${by}`]),
    ...(spentMs === undefined ? [] : [`after ${minutesText(spentMs)} of ${minutes} min`]),
    ...(error === undefined ? [] : [`last: ${error}`]),
    ...(end === undefined ? [] : [`its process ended by ${end}`]),
  ];
  const head = `configuration ${shortOf(sha256)} was ${what}: ${WHY[why]}`;
  const then =
    next === sha256 || what === 'refused'
      ? ''
      : `; preferred now: ${next === '' ? 'the node file' : shortOf(next)}`;
  return `${head}${facts.length > 0 ? ` (${facts.join('; ')})` : ''}${then}`;
}

export function minutesLeft({ minutes, spentMs }: Pick<Trial, 'minutes' | 'spentMs'>): number {
  return Math.max(0, Math.round((minutes - spentMs / 60_000) * 10) / 10);
}

function minutesText(ms: number): string {
  return String(Math.floor(ms / 6_000) / 10);
}
