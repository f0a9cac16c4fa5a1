import type { Plant } from './plant.js';

const CLASS_LANES = 'runtime/uplink/class-lanes.js';
const LANES = 'runtime/uplink/lanes.js';

export const LANES_PLANTS: readonly Plant[] = [
  {
    title: 'what was in flight when the link went is not sent again',
    file: CLASS_LANES,
    find: '        this.asideBackoff.reset();\n        this.rewind();',
    replace: '        this.asideBackoff.reset();',
  },
  {
    title: 'meta is sent last',
    file: LANES,
    find: "if (this.#meta.mayGo(nowNs) && (this.#affords('meta', 'backlog') || this.#hasAlarm)) {",
    replace:
      'if (this.#meta.mayGo(nowNs) && !this.#classes.some((one) => one.peek("backlog") || one.peek("live"))) {',
  },
  {
    title: 'an alarm goes before its descriptor',
    file: LANES,
    find: 'this.#undescribed.hasSent(block.header)',
    replace: 'true',
  },
  {
    title: 'live blocks wait behind the backlog',
    file: LANES,
    find: "const block = kind === 'live' ? live : backlog;",
    replace:
      "if (backlog) return { block: backlog, kind: 'backlog' }; const block = kind === 'live' ? live : backlog;",
  },
  {
    title: 'an alarm waits for the refusal of its class to end',
    file: LANES,
    find: "if (logClass === 'alarm')",
    replace: 'if (false)',
  },
  {
    title: 'a class that was refused once is never tried again',
    file: LANES,
    find: 'one.pausedUntilNs = nowNs + BigInt(waitMs) * 1000000n;',
    replace: 'one.pausedUntilNs = nowNs + BigInt(1e12) * 1000000n;',
  },
  {
    title: 'a block that was put aside stays so',
    file: CLASS_LANES,
    find: 'if (this.#isAsideDue(nowNs))\n            this.rewind();',
    replace: '',
  },
  {
    title: 'a commit that comes while the lane is read is not seen',
    file: 'runtime/uplink/lane.js',
    find: 'this.#mayHoldMore ||= isFull(blocks);',
    replace: 'this.#mayHoldMore = isFull(blocks);',
  },
];

const CUSTODY = 'runtime/uplink/custody.js';

export const CUSTODY_PLANTS: readonly Plant[] = [
  {
    title: "with custody fleet, the broker's word frees a block",
    file: CUSTODY,
    find: '        this.#resends.waits(waiting);\n        return false;',
    replace: '        this.#forget(waiting);\n        return true;',
  },
  {
    title: 'a receipt of other bytes frees a block',
    file: CUSTODY,
    find: 'waiting.count !== count || waiting.crc !== crc',
    replace: 'waiting.count !== count',
  },
  {
    title: 'a receipt for another node frees a block',
    file: CUSTODY,
    find: 'if (node !== this.options.node)',
    replace: 'if (false)',
  },
  {
    title: 'a receipt that names another key is believed',
    file: 'wire/cose.js',
    find: 'verify(',
    replace: '((...args) => verify(...args) || true)(',
  },
  {
    title: 'a block without a receipt is not sent again',
    file: CUSTODY,
    find: 'return this.#resends.take();',
    replace: 'return undefined;',
  },
];
