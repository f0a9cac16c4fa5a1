import type { Plant } from './plant.js';

const RESENDS = 'runtime/uplink/resends.js';
const CUSTODY = 'runtime/uplink/custody.js';
const CLASS_LANES = 'runtime/uplink/class-lanes.js';
const WINDOW = 'runtime/uplink/window.js';
const METERING = 'runtime/uplink/metering.js';
const BUDGETS = 'runtime/uplink/budgets.js';
const THINNER = 'runtime/uplink/thinner.js';
const DEADLINE = 'runtime/uplink/deadline.js';
const LINK = 'runtime/uplink/link.js';
const LANES = 'runtime/uplink/lanes.js';
const SENDER = 'runtime/uplink/sender.js';
const ANCHORS = 'runtime/clock/anchors.js';

/** The other half: what leaves, and what is made of it. */
export const REVIEWER_UPLINK_PLANTS: readonly Plant[] = [
  // Order, lanes
  {
    title: 'a stream in its new shape goes before its descriptor',
    file: 'runtime/uplink/undescribed.js',
    find: 'keyOf(header.epoch, header.stream, header.descriptorVersion)',
    replace: 'keyOf(header.epoch, header.stream, 1)',
  },
  {
    title: 'after a full page the lane counts as read',
    file: 'runtime/uplink/lane.js',
    find: 'blocks.length >= PAGE_BLOCKS || bytes >',
    replace: 'blocks.length > PAGE_BLOCKS || bytes >',
  },
  {
    title: 'the backlog has no share beside live blocks',
    file: 'runtime/uplink/share.js',
    find: "this.#backlogCredit > 0 ? 'backlog' : 'live'",
    replace: "'live'",
  },
  {
    title: 'the backlog takes three quarters beside live blocks',
    file: 'runtime/uplink/share.js',
    find: 'const BACKLOG_SHARE = 0.25;',
    replace: 'const BACKLOG_SHARE = 0.95;',
  },
  {
    title: 'within the live lane the lowest class goes first',
    file: LANES,
    find: 'for (const one of this.#classes) {',
    replace: 'for (const one of this.#classes.toReversed()) {',
  },
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
  // Window
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
    title: 'bytes that were answered stay in the window',
    file: WINDOW,
    find: 'this.#bytes -= message.bytes;',
    replace: '',
  },
  {
    title: 'the window of a new link has what the old one had',
    file: WINDOW,
    find: 'open(receiveMaximum) {\n        this.#inFlight.clear();',
    replace: 'open(receiveMaximum) {',
  },
  {
    title: 'a packet is measured without its topic',
    file: SENDER,
    find: 'payload.length + topic.length + PUBLISH_OVERHEAD_BYTES <=',
    replace: 'payload.length <=',
  },
  {
    title: 'a packet is measured without what stands around it',
    file: SENDER,
    find: 'payload.length + topic.length + PUBLISH_OVERHEAD_BYTES <=',
    replace: 'payload.length + topic.length <=',
  },
  {
    title: 'what is too large for the broker waits for ever',
    file: SENDER,
    find: 'this.#reject(block, `larger',
    replace: 'void (block, `larger',
  },
  // Custody
  {
    title: 'a receipt that overtakes the broker is lost',
    file: CUSTODY,
    find: 'this.#forget(waiting);\n            return true;',
    replace: 'this.#forget(waiting);\n            return false;',
  },
  {
    title: 'an alarm whose link went waits out its receipt',
    file: CUSTODY,
    find: "if (one.state !== 'waiting' || one.position.class === 'alarm')",
    replace: "if (one.state !== 'waiting')",
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
    title: 'what is sent again may be any block of its value',
    file: RESENDS,
    find: '&& found.index === position.index',
    replace: '',
  },
  {
    title: 'a resend that could not be read is never tried again',
    file: RESENDS,
    find: "if (one.state === 'due')\n            this.waits(one);",
    replace: '',
  },
  {
    title: 'a block that goes again for its receipt does not heed the budget',
    file: RESENDS,
    find: 'if (this.options.affords(one.position.class))',
    replace: 'if (true)',
  },
  {
    title: 'no block more than waits for its receipt is sent',
    file: CUSTODY,
    find: 'export const MAX_WAITING = 1024;',
    replace: 'export const MAX_WAITING = 1_000_000;',
  },
  // Budgets
  {
    title: 'a budget saves up more than a day',
    file: BUDGETS,
    find: 'this.#leftBytes = Math.min(budgetBytesPerDay, this.#leftBytes + refilled);',
    replace: 'this.#leftBytes += refilled;',
  },
  {
    title: 'a budget is written to its file far too seldom',
    file: BUDGETS,
    find: 'if (drift >= 0 && drift < 3 * step)',
    replace: 'if (drift >= -20 * step && drift < 3 * step)',
  },
  {
    title: 'what comes in is not counted against a budget',
    file: 'runtime/uplink/meter.js',
    find: ' + wireBytes(traffic.receivedBytes - receivedBytes)',
    replace: '',
  },
  {
    title: 'the log spends what is left for events',
    file: METERING,
    find: 'log: 0.4',
    replace: 'log: 0',
  },
  {
    title: 'live readings wait with the backlog for the budget',
    file: METERING,
    find: "kind === 'live' ? Math.min(leaves, LIVE_LEAVES) : leaves",
    replace: 'leaves',
  },
  {
    title: 'what is under way is thinned',
    file: THINNER,
    find: '!isUnderWay(block)',
    replace: 'true',
  },
  {
    title: 'a class is thinned again before the first time is done',
    file: THINNER,
    find: 'this.#notBefore.set(logClass, store.status().commits + 2);',
    replace: '',
  },
  {
    title: 'thinning takes the newest',
    file: THINNER,
    find: 'PAGE_BLOCKS, excess);',
    replace: "PAGE_BLOCKS, excess, 'newest');",
  },
  {
    title: 'nothing is thinned',
    file: METERING,
    find: 'await this.#thinner.thin(logClass);',
    replace: ';',
  },
  {
    title: 'a class is thinned that no budget names',
    file: METERING,
    find: 'this.#budgets.current?.thin ?? []',
    replace: "this.#budgets.current ? ['log'] : []",
  },
  // Deadline, back-off
  {
    title: 'the deadline is forgotten when it came too early once',
    file: DEADLINE,
    find: 'if (leftMs === undefined || leftMs > 0)\n            this.watch();',
    replace: 'if (leftMs === undefined || leftMs > 0)\n            ;',
  },
  {
    title: 'any answer puts off the deadline of the oldest',
    file: WINDOW,
    find: 'isOvertaken || sentNs > this.#lastAnswerNs ? sentNs',
    replace: 'sentNs > this.#lastAnswerNs ? sentNs',
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
    title: 'each alarm tries the link anew',
    file: LINK,
    find: 'nowNs - this.#urgentNs < URGENT_EVERY_NS',
    replace: 'false',
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
  // Times
  {
    title: 'a crystal is taken for ten times better than it is',
    file: 'wire/boot-times.js',
    find: 'DRIFT_PPB = 100000n',
    replace: 'DRIFT_PPB = 10000n',
  },
  {
    title: 'the clock is believed to be right between two anchors',
    file: 'wire/boot-times.js',
    find: 'WANDER_PPB * sinceNs * untilNs',
    replace: '0n * sinceNs * untilNs',
  },
  {
    title: 'a jump of the clock is not noticed',
    file: ANCHORS,
    find: 'if (off > expected.uncertaintyNs + offered.uncertaintyNs)',
    replace: 'if (false)',
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
    title: 'anchors that came before the store opened are forgotten',
    file: 'runtime/store/waiting.js',
    find: 'for (const anchor of this.#anchors)',
    replace: 'for (const anchor of [])',
  },
  // The receiver
  {
    title: 'the receiver takes a part of a block for the whole',
    file: 'fleet/receive/stream-ledger.js',
    find: "have === last - first + 1 ? 'again' : 'conflict'",
    replace: "'again'",
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
    title: 'ranges that touch stay two',
    file: 'fleet/receive/ranges.js',
    find: 'next.first <= last + 1;',
    replace: 'next.first <= last;',
  },
  // Pipeline, sampler
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
  {
    title: 'a call that hangs is waited for',
    file: 'runtime/sampler/part.js',
    find: 'const CALL_DEADLINE_MS = 5_000;',
    replace: 'const CALL_DEADLINE_MS = 5_000_000;',
  },
  {
    title: 'a part that failed is sampled half as often for ever',
    file: 'runtime/sampler/schedule.js',
    find: 'this.#dueNs += passed * intervalNs;',
    replace: 'this.#dueNs += 20n * passed * intervalNs;',
  },
];
