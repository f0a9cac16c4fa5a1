import type { Plant } from './plant.js';

const RELEASE = 'runtime/store/release.js';
const BUDGETS = 'runtime/uplink/budgets.js';

/** Bugs of the kind that a reviewer plants: off by one, the wrong way round, one check too few. */
export const REVIEW_PLANTS: readonly Plant[] = [
  {
    title: 'a gap of what was given up ends one number too late',
    file: RELEASE,
    find: 'last: first + count - 1, cause: release',
    replace: 'last: first + count, cause: release',
  },
  {
    title: 'the gap of an unclean stop begins one number too early',
    file: 'runtime/store/recover.js',
    find: 'first: next, last: limit - 1',
    replace: 'first: Math.max(0, next - 1), last: limit - 1',
  },
  {
    title: 'the gap of an unclean stop ends one number too late',
    file: 'runtime/store/recover.js',
    find: 'first: next, last: limit - 1',
    replace: 'first: next, last: limit',
  },
  {
    title: 'gaps that lie near each other become one',
    file: 'runtime/store/ledger.js',
    find: 'return one.first <= other.last + 1 && other.first <= one.last + 1;',
    replace: 'return one.first <= other.last + 50 && other.first <= one.last + 50;',
  },
  {
    title: 'eviction takes the lowest class, below its share too',
    file: RELEASE,
    find: '(name) => classes[name].bytes > shareBytes(name, quotaPercent, budgetBytes)) ?? held[0]',
    replace: '() => true)',
  },
  {
    title: 'an alarm waits for the group commit',
    file: 'runtime/store/store.js',
    find: "if (stream.class === 'alarm')\n            this.#committer.now();",
    replace: "if (stream.class === 'alarm')\n            this.#committer.withGroup();",
  },
  {
    title: 'a dead letter takes the key of another',
    file: 'runtime/store/dead.js',
    find: 'this.#next = Math.max(this.#next, kept.number + 1);',
    replace: 'this.#next = kept.number % 2;',
  },
  {
    title: 'a class is thinned far below its share',
    file: 'runtime/uplink/thinner.js',
    find: 'KEPT_SHARE * status.quotaBytes',
    replace: '0.05 * status.quotaBytes',
  },
  {
    title: 'a budget refills ten times too fast',
    file: BUDGETS,
    find: '/ Number(DAY_NS)',
    replace: '/ (Number(DAY_NS) / 10)',
  },
  {
    title: 'a budget begins anew with each start',
    file: BUDGETS,
    find: "typeof known === 'number' && Number.isFinite(known) ? known : budgetBytesPerDay",
    replace: 'budgetBytesPerDay',
  },
  {
    title: 'alarms wait for the budget, too',
    file: 'runtime/uplink/metering.js',
    find: 'alarm: Number.NEGATIVE_INFINITY',
    replace: 'alarm: 0.5',
  },
  {
    title: 'what an alarm is understood by waits for the budget',
    file: 'runtime/uplink/lanes.js',
    find: "(this.#affords('meta', 'backlog') || this.#hasAlarm)",
    replace: "this.#affords('meta', 'backlog')",
  },
  {
    title: 'headers are not counted against a budget',
    file: 'runtime/uplink/meter.js',
    find: 'return streamBytes + 2 * SEGMENT_HEADER_BYTES * Math.ceil(streamBytes / SEGMENT_BYTES);',
    replace: 'return streamBytes;',
  },
  {
    title: 'an anchor counts for the newest boot only',
    file: 'wire/times.js',
    find: 'this.#boot(anchor.boot).add(anchor);',
    replace:
      'if (anchor.boot >= Math.max(0, ...this.#boots.keys()) && this.#boots.size < 2) this.#boot(anchor.boot).add(anchor);',
  },
  {
    title: 'a place in the window is lost now and then',
    file: 'runtime/uplink/window.js',
    find: 'this.#inFlight.delete(id);',
    replace: 'if (id % 50 !== 49) this.#inFlight.delete(id);',
  },
  {
    title: 'on a new link the backlog goes from the newest down',
    file: 'runtime/uplink/class-lanes.js',
    find: 'this.#old = this.#wholeClass();\n        this.asideDueNs',
    replace: "this.#old = this.#lane('newest');\n        this.asideDueNs",
  },
  {
    title: 'a receipt frees the block of the next commit',
    file: 'runtime/uplink/custody.js',
    find: 'freed.push(waiting);',
    replace:
      'freed.push({ ...waiting, position: { ...waiting.position, commit: waiting.position.commit + 1 } });',
  },
  {
    title: 'the last will is not kept by the broker',
    file: 'runtime/uplink/status-message.js',
    find: 'retain: true',
    replace: 'retain: false',
  },
  {
    title: 'a sample that fails is not told',
    file: 'runtime/sampler/part.js',
    find: 'this.#note(error);\n        this.#outlet?.fault(this.options.clock.nowNs());',
    replace: 'this.#note(error);',
  },
];
