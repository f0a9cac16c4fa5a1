import type { PartStatus } from '../../../sampler/index.js';
import type { LatestRow } from '../../../seen-rows.js';
import type { Rule, WiringFact } from '../facts.js';
import type { Finding, FindingKind } from '../finding.js';

const BAD: readonly PartStatus['state'][] = ['failing', 'missing'];
/** A cold start of a receiver under an open sky takes half a minute (data sheets: 24 to 35 s); five minutes are none. */
const NO_SKY_NS = 300_000_000_000n;

const BY_WIRING: Readonly<Record<string, FindingKind>> = {
  otherAddress: 'part.address',
  otherBus: 'part.address',
  stuckBus: 'bus.stuck',
  otherBaud: 'part.baud',
  missing: 'part.missing',
  silentBus: 'part.missing',
  noPort: 'part.missing',
  noDevice: 'part.missing',
  silentPort: 'part.missing',
};

/** A part that gives nothing; where its wiring was looked into, what that showed. What holds up a whole bus is one cause. */
export const parts: Rule = (facts) => {
  const bad = facts.node?.parts.filter(({ state }) => BAD.includes(state)) ?? [];
  const looked = facts.wiring.filter((fault) => bad.some(({ id }) => fault.parts.includes(id)));
  const known = new Set(looked.flatMap((fault) => fault.parts));
  const stuck = new Map<string, PartStatus[]>();
  const rest: Finding[] = [];
  for (const part of bad) {
    if (known.has(part.id)) continue;
    if (part.lastErrorKind === 'busStuck') stuck.set(busOf(part), [...(stuck.get(busOf(part)) ?? []), part]);
    else rest.push(silent(part));
  }
  return [
    ...looked.map((fault) => wired(fault, bad)),
    ...[...stuck].map(([bus, held]) => stuckBus(bus, held)),
    ...rest,
  ];
};

/** `i2c-1 0x76` hangs on `i2c-1`. */
function busOf({ where }: PartStatus): string {
  return where.split(' ')[0]!;
}

function wired(fault: WiringFact, bad: readonly PartStatus[]): Finding {
  const concerned = bad.filter(({ id }) => fault.parts.includes(id));
  return {
    kind: BY_WIRING[fault.kind] ?? 'part.failing',
    about: fault.kind === 'stuckBus' ? fault.where : fault.parts.join(', '),
    what: `${fault.parts.join(', ')} at ${fault.where}: found ${fault.found}`,
    evidence: concerned.map(evidenceOf),
    todo: fault.todo,
  };
}

function stuckBus(bus: string, held: readonly PartStatus[]): Finding {
  return {
    kind: 'bus.stuck',
    about: bus,
    what: `${bus} is held low: none of ${held.map(({ id }) => id).join(', ')} can be asked`,
    evidence: held.map(evidenceOf),
    todo: 'pull the parts off one after the other until it is free; look for a short between SDA, SCL and ground',
  };
}

function silent(part: PartStatus): Finding {
  const isGone =
    part.state === 'missing' ||
    ['noAcknowledge', 'absent', 'disconnected'].includes(part.lastErrorKind ?? '');
  return {
    kind: isGone ? 'part.missing' : 'part.failing',
    about: part.id,
    what: isGone
      ? `${part.id} doesn’t answer at ${part.where}`
      : `${part.id} at ${part.where} fails: ${part.lastErrorKind ?? 'unknown'}`,
    ...(part.lastGoodNs === undefined ? {} : { sinceNs: part.lastGoodNs }),
    evidence: [evidenceOf(part)],
    todo: isGone
      ? `look at its plug and its supply; cairn parts looks further`
      : `cairn parts looks further; cairn read ${part.id} asks it now`,
  };
}

function evidenceOf({ id, samples, failures, lastError }: PartStatus): string {
  return `${id}: ${samples} rows, ${failures} failures${lastError ? `, last: ${lastError}` : ''}`;
}

/** It speaks, and hears no satellite: that is its antenna, not the sky, which always has some. */
export const antenna: Rule = ({ node, latest, nowNs }) => {
  const found: Finding[] = [];
  for (const { id, state } of node?.parts ?? []) {
    const sky = latest.find(({ partId, stream }) => partId === id && stream.endsWith('.sky'));
    if (state !== 'ok' || !sky) continue;
    const sinceNs = sky.goodNs.maxSnr ?? 0n;
    if (nowNs - sinceNs >= NO_SKY_NS) found.push(deaf(id, sky, sinceNs));
  }
  return found;
};

function deaf(id: string, { cells }: LatestRow, sinceNs: bigint): Finding {
  const inView = cells.find(({ channel }) => channel === 'inView')?.value ?? 0;
  return {
    kind: 'gnss.antenna',
    about: id,
    what: `${id} speaks, and hears no satellite: its antenna`,
    sinceNs,
    evidence: [`${inView} satellites in view, no signal of any`],
    todo: 'look at the antenna’s plug and cable, and what lies over it: metal, a load, a roof',
  };
}
