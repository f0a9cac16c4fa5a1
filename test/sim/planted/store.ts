import type { Plant } from './plant.js';

const COMMITTER = 'runtime/store/committer.js';

export const STORE_PLANTS: readonly Plant[] = [
  {
    title: 'a commit is acknowledged before it is synced',
    file: COMMITTER,
    find: '                await db.batch(draft.operations);',
    replace:
      '                { this.events.onCommit({ rows: 1, classes: Object.keys(draft.taken), firsts: Object.keys(draft.taken).map((name) => ({ class: name, commit: draft.batch, index: 0 })) }); await db.batch(draft.operations); }',
  },
  {
    title: 'the database is not opened anew after a failed write',
    file: COMMITTER,
    find: '        this.connection.failed();',
    replace: '',
  },
  {
    title: 'a failed batch that has landed is written again',
    file: COMMITTER,
    find: 'if (doubtful && head?.batch === doubtful.batch)',
    replace: 'if (doubtful && head?.batch === doubtful.batch + 1)',
  },
  {
    title: 'a failed batch that has not landed counts as written',
    file: COMMITTER,
    find: 'if (doubtful && head?.batch === doubtful.batch)',
    replace: 'if (doubtful)',
  },
  {
    title: 'receipts are forgotten after a failed batch, and so are gaps',
    file: COMMITTER,
    find: '        this.state.dirty.restore(draft.dirty);',
    replace: '',
  },
  {
    title: 'rows of a failed batch are forgotten',
    file: COMMITTER,
    find: '        this.state.backlog.returned();',
    replace: '        this.state.backlog.landed();',
  },
  {
    title: 'after a failed write it is never tried again',
    file: 'runtime/store/retry.js',
    find: 'this.#timer = undefined;\n            this.again();',
    replace: '',
  },
  {
    title: 'the reserve is not synced',
    file: 'runtime/store/reserve.js',
    find: 'await this.#file.datasync();',
    replace: '',
  },
  {
    title: 'the reserve is written after its numbers are used',
    file: 'runtime/store/reserver.js',
    find: '        const entries = this.#entries((stream) => limits.get(stream));',
    replace:
      '        const entries = this.#entries((stream) => limits.get(stream)); for (const [stream, limit] of limits) { stream.limit = limit; while (stream.number()); }',
  },
  {
    title: 'the limit of numbers is ignored',
    file: 'runtime/store/stream.js',
    find: 'this.next + count <= this.limit',
    replace: 'true',
  },
  {
    title: 'numbers of an unclean stop are used again',
    file: 'runtime/store/recover.js',
    find: 'streams.push({ record, next: limit });',
    replace: 'streams.push({ record, next });',
  },
  {
    title: 'no gap for an unclean stop',
    file: 'runtime/store/recover.js',
    find: 'if (limit > next)',
    replace: 'if (limit > next + 1e9)',
  },
  {
    title: 'the boot counter does not grow',
    file: 'runtime/store/recover.js',
    find: 'boot: identity.boot + 1,',
    replace: 'boot: Math.max(1, identity.boot),',
  },
  {
    title: 'a value goes when one of its blocks is settled',
    file: 'runtime/store/release.js',
    find: 'if (footer.entries.every(',
    replace: 'if (footer.entries.some(',
  },
  {
    title: 'what is evicted gets no gap',
    file: 'runtime/store/release.js',
    find: "this.#settle(entry, 'quota', value);",
    replace: "this.#settle(entry, 'receipt', value);",
  },
  {
    title: 'the most precious class is evicted first',
    file: 'runtime/store/release.js',
    find: '.values > 0).reverse();',
    replace: '.values > 0);',
  },
  {
    title: 'nothing is evicted',
    file: 'runtime/store/release.js',
    find: 'if (name === undefined)\n                return;',
    replace: 'return;',
  },
  {
    title: 'a refused block goes without a gap',
    file: 'runtime/store/release.js',
    find: "if (release === 'receipt')",
    replace: "if (release === 'receipt' || typeof release === 'object')",
  },
  {
    title: 'rows that memory cannot hold go without a gap',
    file: 'runtime/store/shed.js',
    find: "state.gap(stream, { first, last: first + count - 1, cause: 'overflow', atMost: false });",
    replace: '',
  },
  {
    title: 'memory is not bounded while the disk refuses',
    file: 'runtime/store/shed.js',
    find: 'state.memory.bytes > maxBytes',
    replace: 'false',
  },
  {
    title: 'a clean stop leaves its limits ahead',
    file: 'runtime/store/reserver.js',
    find: '(stream) => stream.next);',
    replace: '(stream) => stream.limit);',
  },
  {
    title: 'a damaged block is passed by without a gap',
    file: 'runtime/store/reader.js',
    find: "            this.releases.add(position, 'rot');\n            return undefined;\n        }\n        const { node",
    replace: '            return undefined;\n        }\n        const { node',
  },
  {
    title: 'no audit after an unclean stop',
    file: 'runtime/store/scrub.js',
    find: '        this.#running = this.#scrub().finally(() => {',
    replace: '        this.#running = Promise.resolve().finally(() => {',
  },
  {
    title: 'what LevelDB made is not made durable',
    file: 'runtime/store/database.js',
    find: 'await syncThere(files, join(path, LEVEL, name));',
    replace: 'await undefined;',
  },
  {
    title: 'rows that waited for the store to open are forgotten',
    file: 'runtime/store/waiting.js',
    find: 'this.#rows.handOver(store);',
    replace: '',
  },
  {
    title: 'gaps stay in the ledger',
    file: 'runtime/uplink/index.js',
    find: 'if (this.#publishingGaps || this.options.store.openGaps().length === 0)',
    replace: 'if (true)',
  },
];
