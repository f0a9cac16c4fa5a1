import type { Plant } from './plant.js';

const COMMITTER = 'runtime/store/committer.js';
const LEDGER = 'runtime/store/ledger.js';
const RECOVER = 'runtime/store/recover.js';
const STATE = 'runtime/store/state.js';
const SCRUB = 'runtime/store/scrub.js';
const STORE = 'runtime/store/store.js';

/** What somebody would plant who knows the product and not the simulation: one line, one thing forgotten. */
export const REVIEWER_PLANTS: readonly Plant[] = [
  {
    title: 'what the disk lost while it refused is not looked for',
    file: COMMITTER,
    find: '            this.events.onLoss();',
    replace: '',
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
    title: 'a slot of the reserve that is damaged is passed by',
    file: RECOVER,
    find: 'if (reserve.isInDoubt)',
    replace: 'if (false)',
  },
  {
    title: 'a store on another machine goes on in its epoch',
    file: RECOVER,
    find: 'if (identity.machineId !== starting.machineId)',
    replace: 'if (false)',
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
    title: 'a new shape of a stream keeps the old version',
    file: STORE,
    find: 'version: (known?.record.version ?? 0) + 1',
    replace: 'version: known?.record.version ?? 1',
  },
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
    title: 'the audit finds holes, and says nothing',
    file: SCRUB,
    find: "state.gap(stream, { first: from, last: to - 1, cause: 'rot', atMost: true });",
    replace: '',
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
  {
    title: 'an eviction takes the whole class',
    file: 'runtime/store/release.js',
    find: 'if (this.classes[name].bytes <= enough)',
    replace: 'if (this.classes[name].bytes <= 0)',
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
];
