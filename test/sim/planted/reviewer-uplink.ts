import type { Plant } from './plant.js';

const RESENDS = 'runtime/uplink/resends.js';
const CUSTODY = 'runtime/uplink/custody.js';
const CLASS_LANES = 'runtime/uplink/class-lanes.js';
const WINDOW = 'runtime/uplink/window.js';
const DEADLINE = 'runtime/uplink/deadline.js';
const LINK = 'runtime/uplink/link.js';
const SENDER = 'runtime/uplink/sender.js';

/** The other half: what leaves, and what is made of it. */
export const REVIEWER_UPLINK_PLANTS: readonly Plant[] = [
  {
    title: 'what was committed since the link is up is sent twice',
    file: CLASS_LANES,
    find: 'return !isBegun && !this.options.custody?.holds(block);',
    replace: 'return !this.options.custody?.holds(block);',
  },
  {
    title: 'newest means oldest',
    file: CLASS_LANES,
    find: "this.logClass === 'meta' ? 'oldest' : this.options.backlog",
    replace: "'oldest'",
  },
  {
    title: 'after a refusal the whole window is tried again',
    file: CLASS_LANES,
    find: '&& !(this.probing && this.#inFlight.size > 0)',
    replace: '',
  },
  {
    title: 'what the broker takes at once is not heeded',
    file: WINDOW,
    find: 'Math.min(this.maxMessages, receiveMaximum)',
    replace: 'this.maxMessages',
  },
  {
    title: 'one more at once than the broker takes',
    file: WINDOW,
    find: 'this.#inFlight.size < this.#size &&',
    replace: 'this.#inFlight.size <= this.#size &&',
  },
  {
    title: 'the window of a new link has what the old one had',
    file: WINDOW,
    find: 'open(receiveMaximum) {\n        this.#inFlight.clear();',
    replace: 'open(receiveMaximum) {',
  },
  {
    title: 'what is too large for the broker waits for ever',
    file: SENDER,
    find: 'this.#reject(block, `larger',
    replace: 'void (block, `larger',
  },
  {
    title: 'a new link forgets what was sent and waits for receipts',
    file: CUSTODY,
    find: "if (one.state !== 'waiting' || one.position.class === 'alarm')",
    replace: '',
  },
  {
    title: 'receipts that do not come are asked for without a pause',
    file: RESENDS,
    find: 'this.#inNs(one.tries++)',
    replace: 'this.#inNs(0 * one.tries)',
  },
  {
    title: 'while no receipt comes at all everything is sent again',
    file: RESENDS,
    find: 'isSilent ? due.slice(0, 1) : due',
    replace: 'due',
  },
  {
    title: 'what comes in is not counted against a budget',
    file: 'runtime/uplink/meter.js',
    find: ' + wireBytes(traffic.receivedBytes - receivedBytes)',
    replace: '',
  },
  // Deadline, back-off
  {
    title: 'the deadline is forgotten when it came too early once',
    file: DEADLINE,
    find: 'if (leftMs === undefined || leftMs > 0)\n            this.watch();',
    replace: 'if (leftMs === undefined || leftMs > 0)\n            ;',
  },
  {
    title: 'a link on which one waited long is borne with for ever',
    file: 'runtime/uplink/patience.js',
    find: 'return Math.min(bearableMs, Math.max(this.baseMs, 2 * this.#expectedMs(bytes)));',
    replace: 'return Math.max(this.baseMs, 20 * this.#expectedMs(bytes));',
  },
  {
    title: 'a broker that answers nothing is tried ever again at once',
    file: LINK,
    find: "if (livedNs >= GOOD_LIFE_NS && why.kind !== 'deadline')",
    replace: 'if (livedNs >= 0n)',
  },
  {
    title: 'the back-off never comes down again',
    file: 'runtime/uplink/backoff.js',
    find: 'reset() {\n        this.#tries = 0;',
    replace: 'reset() {',
  },
  {
    title: 'an alarm waits out the back-off',
    file: LINK,
    find: 'if (waitedMs + soonMs >= this.#state.retryInMs)',
    replace: 'if (true)',
  },
  {
    title: 'a CONNECT without an answer is waited for',
    file: LINK,
    find: 'CONNECT_TIMEOUT_MS, () => {\n            link.destroy',
    replace: 'CONNECT_TIMEOUT_MS * 100, () => {\n            link.destroy',
  },
  {
    title: 'a crystal is taken for ten times better than it is',
    file: 'wire/boot-times.js',
    find: 'DRIFT_PPB = 100000n',
    replace: 'DRIFT_PPB = 10000n',
  },
  {
    title: 'boots between two anchors are counted twice',
    file: 'wire/times.js',
    find: 'sumNs += atLeast(lastNs);',
    replace: 'sumNs += 2n * atLeast(lastNs);',
  },
  {
    title: 'a bound of a boot before is taken at its beginning',
    file: 'wire/times.js',
    find: '- this.#livedNs(boot, after) - atLeast(leftNs)',
    replace: '- this.#livedNs(boot, after) - atLeast(aliveNs) - atLeast(leftNs)',
  },
  {
    title: 'the receiver lets the end of an epoch move up',
    file: 'fleet/receive/stream-ledger.js',
    find: 'Math.min(this.openFrom ?? gap.first, gap.first)',
    replace: 'Math.max(this.openFrom ?? gap.first, gap.first) + 1',
  },
  {
    title: 'a gap of an earlier epoch counts for this one',
    file: 'fleet/receive/ledger.js',
    find: "record.kind === 'gap' ? this.epoch(carrier.node, record.value.epoch) : carrier",
    replace: 'carrier',
  },
  {
    title: 'a stop does not wait for the store',
    file: 'runtime/pipeline.js',
    find: 'await store.close();',
    replace: 'void store.close();',
  },
  {
    title: 'the store closes before the sampler stops',
    file: 'runtime/pipeline.js',
    find: "await tried('the sampler', sampler.stop(), log);",
    replace: "await store.close(); await tried('the sampler', sampler.stop(), log);",
  },
];
