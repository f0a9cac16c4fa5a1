import type { Plant } from './plant.js';

export const OTHER_PLANTS: readonly Plant[] = [
  {
    title: 'an alarm that the disk does not take is kept to oneself',
    file: 'runtime/alarm-watch.js',
    find: 'onUnkept({ rows: copy, channels, isKept });',
    replace: '{}',
  },
  {
    title: 'each alarm is told without a number, too',
    file: 'runtime/alarm-watch.js',
    find: 'if (!isKept())',
    replace: '',
  },
  {
    title: 'before the store is open there is no link',
    file: 'runtime/pipeline.js',
    find: 'uplink?.start();',
    replace: 'if (!isEarly) uplink?.start(); else void storeOpened?.then(() => uplink?.start());',
  },
  {
    title: 'anchors of another boot are believed',
    file: 'runtime/store/store.js',
    find: '{ boot: this.boot, ...anchor }',
    replace: '{ boot: Math.max(1, this.boot - 1), ...anchor }',
  },
  {
    title: 'a clock that nobody disciplines is believed',
    file: 'runtime/clock/anchors.js',
    find: 'if (!sync.synchronised)',
    replace: 'if (false)',
  },
  {
    title: 'the uncertainty of a clock is half of what it is',
    file: 'runtime/clock/anchors.js',
    find: 'pair.uncertaintyNs + sync.maxErrorNs',
    replace: 'pair.uncertaintyNs + sync.maxErrorNs / 2n',
  },
  {
    title: 'the receiver drops by arrival, not by identity',
    file: 'fleet/receive/stream-ledger.js',
    find: 'const known = this.#remembered.get(first);',
    replace: 'if (first < this.received.end) return "duplicate"; const known = this.#remembered.get(first);',
  },
  {
    title: 'the receiver keeps no gaps',
    file: 'fleet/receive/stream-ledger.js',
    find: 'ranges.add(gap.first, gap.last);',
    replace: '',
  },
  {
    title: 'a part is given up after its first failure',
    file: 'runtime/sampler/part.js',
    find: 'if (ms === undefined)',
    replace: 'if (this.#failures > 0) { this.#dueNs = undefined; return; } if (ms === undefined)',
  },
  {
    title: 'rows of one tick may change places',
    file: 'runtime/store/chunk.js',
    find: 'this.#times[this.count + i] = rows.timesNs[from + i];',
    replace: 'this.#times[this.count + i] = rows.timesNs[from + taken - 1 - i];',
  },
];
