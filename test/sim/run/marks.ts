import type { TakeResult } from '../../../fleet/receive/index.js';

/** Branches of recovery by what the product says in its log. */
const LINES: readonly (readonly [name: string, line: RegExp])[] = [
  ['disk refuses at the start', /the disk refuses at the start, rows wait/],
  ['rows waited for the store', /lets the store be opened after \d+ s: [1-9]/],
  ['disk refuses', /the disk refuses, rows wait in memory/],
  ['disk takes writes again', /the disk takes writes again/],
  ['disk lost what it had taken', /the disk lost what it had taken/],
  ['numbers wait for the reserve', /numbers can't be reserved, rows wait/],
  ['new epoch', /a new epoch begins/],
  ['rows of a clean stop are gone', /rows of a clean stop are gone/],
  ['own records damaged', /of the store's own records are damaged/],
  ['quarantine', /put aside as quarantine-/],
  ['repair', /what is whole of it goes on/],
  ['no repair', /an empty one takes its place/],
  ['damaged block', /a block is damaged: its rows/],
  ['audit found a hole', /are gone from the disk: a gap says so/],
  ['first write refused', /the first write failed|the store cannot be opened|the reserve cannot be made/],
  ['read refused by a table', /LevelDB can't read on/],
  ['captive portal', /captivePortal/],
  ['taken over', /takenOver/],
  ['deadline', /deadline: a publish has no answer/],
  ['connect timeout', /no answer to CONNECT/],
  ['MQTT 3.1.1', /online, MQTT 3\.1\.1/],
  ['MQTT 5', /online, MQTT 5/],
  ['no subscriber', /the broker has nobody to give it to/],
  ['not authorised', /access list refuses/],
  ['broker quota', /the broker's quota is used up/],
  ['put aside by the broker', /refused with reason0x/],
  ['dead letter', /will never be taken/],
  ['part works again', /works again after/],
  ['lost configuration', /lostConfiguration/],
  ['bus freed', /freed after recovery/],
  ['bus still stuck', /still stuck after recovery/],
  ['value without its table of blocks', /a value's table of blocks is damaged/],
  ['audit broken off', /the audit was broken off/],
  ['compaction broken off', /compaction was broken off/],
  ['quarantine removed', /is removed: the store needs its room/],
  ['stop without rows', /stopping without them/],
  ['stop not clean', /the store did not stop cleanly/],
  ['no receipt comes', /blocks wait for a receipt of the fleet/],
  ['receipt of an unknown key', /frees nothing \(unknownKey\)/],
  ['receipt with a bad signature', /frees nothing \(badSignature\)/],
  ['receipt malformed', /frees nothing \(malformed\)/],
  ['receipt for another node', /frees nothing \(otherNode\)/],
  ['receipt of other bytes', /frees nothing \(otherBlock\)/],
  ['budget used up', /bytes a day of links .* are used up/],
];

/** Branches that were taken, told from outside the product: by its log, its gaps, and what the world saw. */
export class Marks {
  readonly counts = new Map<string, number>();

  hit(name: string): void {
    this.counts.set(name, (this.counts.get(name) ?? 0) + 1);
  }

  line(text: string): void {
    for (const [name, pattern] of LINES) if (pattern.test(text)) this.hit(name);
  }

  received(result: TakeResult): void {
    if (result.kind === 'duplicate') this.hit('duplicate dropped');
    if (result.kind !== 'meta') return;
    for (const record of result.records) if (record.kind === 'gap') this.hit(`gap ${record.value.cause}`);
  }
}

export const LINE_MARKS: readonly string[] = LINES.map(([name]) => name);
