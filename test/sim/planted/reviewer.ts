import type { Plant } from './plant.js';

const COMMITTER = 'runtime/store/committer.js';
const LEDGER = 'runtime/store/ledger.js';
const RECOVER = 'runtime/store/recover.js';
const STATE = 'runtime/store/state.js';
const SCRUB = 'runtime/store/scrub.js';
const STORE = 'runtime/store/store.js';

/** What somebody would plant who knows the product and not the simulation: one line, one thing forgotten. */
export const REVIEWER_PLANTS: readonly Plant[] = [
  // Acknowledging, commits
  {
    title: 'receipts of a failed batch are forgotten',
    file: COMMITTER,
    find: 'this.releases.returned();\n        this.state.dirty',
    replace: 'this.releases.landed();\n        this.state.dirty',
  },
  {
    title: 'what changed meanwhile is overwritten by what a failed batch had',
    file: LEDGER,
    find: 'new Map([...taken, ...this.#operations])',
    replace: 'new Map([...this.#operations, ...taken])',
  },
  {
    title: 'what the disk lost while it refused is not looked for',
    file: COMMITTER,
    find: '            this.events.onLoss();',
    replace: '',
  },
  {
    title: 'what the disk lost while it refused is not written anew',
    file: COMMITTER,
    find: '            this.state.touchAll();',
    replace: '',
  },
  {
    title: 'a close that did not write all counts as clean',
    file: COMMITTER,
    find: 'return whole && this.failure === undefined;',
    replace: 'return true;',
  },
  {
    title: 'the head says how far rows were given, not how far they are stored',
    file: 'runtime/store/draft.js',
    find: 'next[stream.id] = stream.chunks[0]?.first ?? stream.next;',
    replace: 'next[stream.id] = stream.next;',
  },
  {
    title: 'the head passes over blocks that did not fit the batch',
    file: 'runtime/store/draft.js',
    find: 'next[stream.id] = Math.min(next[stream.id], first);',
    replace: 'void first;',
  },
  {
    title: 'receipts wait until the next row is committed',
    file: STORE,
    find: "kind === 'rejected' ? { rejected: disposition.reason } : disposition.kind);\n        }\n        this.#committer.lazily();",
    replace:
      "kind === 'rejected' ? { rejected: disposition.reason } : disposition.kind);\n        }\n        ;",
  },
  {
    title: 'an event waits for the group commit',
    file: STORE,
    find: 'else if (stream.isLive)',
    replace: 'else if (stream.isLive && stream.declaredLive)',
  },
  {
    title: 'each row has its own commit',
    file: STORE,
    find: '            this.#committer.live();\n        else\n            this.#committer.withGroup();',
    replace: '            this.#committer.live();\n        else\n            this.#committer.now();',
  },
  {
    title: 'with commit: auto the flash is spent twice as fast',
    file: 'runtime/store/pace.js',
    find: '(2 * this.budgetBytesPerS * this.#levelBytes)',
    replace: '(20 * this.budgetBytesPerS * this.#levelBytes)',
  },
  // Reserve, epoch, recovery
  {
    title: 'the reserve is written over its newest slot',
    file: 'runtime/store/reserve.js',
    find: '(generation % SLOTS) * SLOT_BYTES',
    replace: '0 * SLOT_BYTES',
  },
  {
    title: 'a slot of the reserve that is damaged is passed by',
    file: RECOVER,
    find: 'if (reserve.isInDoubt)',
    replace: 'if (false)',
  },
  {
    title: 'numbers past the reserve are not noticed',
    file: RECOVER,
    find: 'if ((head.next[id] ?? 0) > limit)',
    replace: 'if (false)',
  },
  {
    title: 'a store on another machine goes on in its epoch',
    file: RECOVER,
    find: 'if (identity.machineId !== starting.machineId)',
    replace: 'if (false)',
  },
  {
    title: 'an epoch ends one number too late',
    file: RECOVER,
    find: 'first: head?.next[id] ?? 0, last: undefined',
    replace: 'first: (head?.next[id] ?? 0) + 1, last: undefined',
  },
  {
    title: 'a new boot is not told',
    file: RECOVER,
    find: 'boot: identity.boot + 1, isBootUnsaid: true };',
    replace: 'boot: identity.boot + 1 };',
  },
  {
    title: 'an unclean gap says that it is exact',
    file: RECOVER,
    find: "last: limit - 1, cause: 'uncleanStop', atMost: true",
    replace: "last: limit - 1, cause: 'uncleanStop', atMost: false",
  },
  {
    title: 'a descriptor that a crash swallowed is not said again',
    file: STATE,
    find: 'if (record.isUnsaid)',
    replace: 'if (false)',
  },
  {
    title: 'a descriptor counts as said before it is on the disk',
    file: STATE,
    find: 'if (this.meta.chunks.length === 0 && this.meta.unnumberedRows === 0)',
    replace: '',
  },
  {
    title: 'a new shape of a stream keeps the old version',
    file: STORE,
    find: 'version: (known?.record.version ?? 0) + 1',
    replace: 'version: known?.record.version ?? 1',
  },
  // Audit and rot
  {
    title: 'the audit takes rows that wait in memory for lost',
    file: SCRUB,
    find: '(durableNext[stream.id] ?? 0)',
    replace: 'stream.next',
  },
  {
    title: 'the audit calls lost what was received',
    file: 'runtime/store/audit.js',
    find: 'new RangeSet(settled.bounds)',
    replace: 'new RangeSet()',
  },
  {
    title: 'the audit does not look below the floor',
    file: SCRUB,
    find: 'state.lowerFloor(name, first);',
    replace: '',
  },
  {
    title: 'the audit finds holes, and says nothing',
    file: SCRUB,
    find: "state.gap(stream, { first: from, last: to - 1, cause: 'rot', atMost: true });",
    replace: '',
  },
  {
    title: 'a hole that the audit finds is told without its last number',
    file: SCRUB,
    find: "last: to - 1, cause: 'rot', atMost: true",
    replace: "last: Math.max(from, to - 2), cause: 'rot', atMost: true",
  },
  // The gap ledger
  {
    title: 'a gap whose meta row rotted is not told again',
    file: STATE,
    find: 'this.ledger.untold(stream.epoch, gap.first, gap.last + 1);',
    replace: ';',
  },
  {
    title: 'a gap is confirmed by the row before its own',
    file: LEDGER,
    find: 'carrier.number >= first && carrier.number < end',
    replace: 'carrier.number >= first && carrier.number <= end',
  },
  {
    title: 'a gap is said to be borne by the row after its own',
    file: STORE,
    find: 'number: meta.next });',
    replace: 'number: meta.next + 1 });',
  },
  {
    title: 'gaps of two causes melt into one',
    file: LEDGER,
    find: 'if (one.cause !== other.cause)',
    replace: 'if (false)',
  },
  {
    title: 'the end of an epoch is forgotten once it is told',
    file: LEDGER,
    find: 'this.#change(gap, { ...gap, isTold: true });',
    replace: 'this.remove(gap);',
  },
  {
    title: 'the last number of a gap is open again after a start',
    file: STATE,
    find: '[gap.first, gap.last + 1]);',
    replace: '[gap.first, gap.last]);',
  },
  {
    title: 'gaps that were told stay in the ledger of the disk',
    file: LEDGER,
    find: 'gaps.splice(gaps.indexOf(gap), 1);\n        this.dirty.del(keyOf(gap));',
    replace: 'gaps.splice(gaps.indexOf(gap), 1);',
  },
  // Quotas, dead letters, memory
  {
    title: 'eviction makes a gap of what was received, too',
    file: 'runtime/store/release.js',
    find: 'if (!isSettled(this.state, entry))\n                    this.#settle',
    replace: 'this.#settle',
  },
  {
    title: 'the room that a batch needs is not made before it',
    file: 'runtime/store/release.js',
    find: '.bytes, newBytes) - budgetBytes',
    replace: '.bytes, 0) - budgetBytes * 1.6',
  },
  {
    title: 'an eviction takes the whole class',
    file: 'runtime/store/release.js',
    find: 'if (this.classes[name].bytes <= enough)',
    replace: 'if (this.classes[name].bytes <= 0)',
  },
  {
    title: 'dead letters are kept by their first number alone',
    file: 'runtime/store/dead.js',
    find: 'kept.letter.first === first && kept.letter.stream === stream && kept.letter.epoch === epoch',
    replace: 'kept.letter.first === first',
  },
  {
    title: 'a full box of dead letters gives up its newest',
    file: 'runtime/store/dead.js',
    find: 'this.#kept.shift()',
    replace: 'this.#kept.pop()',
  },
  {
    title: 'a dead letter without its reason',
    file: 'runtime/store/dead.js',
    find: 'writer.text(letter.reason.slice(0, MAX_REASON))',
    replace: "writer.text('')",
  },
  {
    title: 'a dead letter with the bytes of the whole value',
    file: 'runtime/store/release.js',
    find: 'value.subarray(entry.offset, entry.offset + entry.length)',
    replace: 'value.subarray(entry.offset)',
  },
  {
    title: 'memory that is full gives up what is being written',
    file: 'runtime/store/backlog.js',
    find: 'splice(this.#inFlight.get(name) ?? 0, 1)',
    replace: 'splice(0, 1)',
  },
  {
    title: 'memory that is full gives up its newest rows',
    file: 'runtime/store/backlog.js',
    find: 'splice(this.#inFlight.get(name) ?? 0, 1)',
    replace: 'splice(-1, 1)',
  },
  {
    title: 'memory that is full gives up alarms first',
    file: 'runtime/store/shed.js',
    find: 'STREAM_CLASSES.toReversed()',
    replace: 'STREAM_CLASSES',
  },
  {
    title: 'rows that were written count in memory for ever',
    file: 'runtime/store/backlog.js',
    find: 'for (const block of this.#of(name).splice(0, count))\n                this.memory.give(block.bytes.length);',
    replace: 'this.#of(name).splice(0, count);',
  },
  {
    title: 'a row that fits no channel gets no number',
    file: 'runtime/store/stream.js',
    find: "this.#unnumbered.lose(count, 'rejected');",
    replace: 'return;',
  },
  {
    title: 'what waits for a number is overtaken by what comes',
    file: 'runtime/store/stream.js',
    find: 'if (this.unnumberedRows === 0 && this.next + count <= this.limit)',
    replace: 'if (this.next + count <= this.limit)',
  },
];
