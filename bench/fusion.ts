import { native } from '../native/index.js';
import { Madgwick } from './madgwick.js';
import { seeded, timeNs } from './measure.js';
import type { Bench, Figure } from './report.js';

const BATCH = 64;
const RATE_HZ = 100;
const INTERVAL_NS = BigInt(1e9 / RATE_HZ);

/** Native filters on batches, over typed arrays that are made once, against a plain JavaScript filter. */
export const fusion: Bench = {
  name: 'fusion',
  title: `fusion: batches of ${BATCH} samples at ${RATE_HZ} Hz`,
  run: async () => ({
    figures: figures(timeNs(contenders())),
    notes: [
      'the peer is Madgwick’s 6-axis filter in plain JavaScript, a call a sample; it does less than the orientation it is held against:',
      'ours estimates the gyroscope’s bias and filters acceleration in the earth frame; motion has no peer',
    ],
  }),
};

function contenders() {
  const [gyro, accel, mag] = [samples(0, 0.02, 1), samples(9.81, 0.05, 2), samples(40e-6, 1e-7, 3)];
  const out = new Float64Array(4 * BATCH);
  const orientation6 = native.createOrientation({ axes: 6, sampleRateHz: RATE_HZ });
  const orientation9 = native.createOrientation({ axes: 9, sampleRateHz: RATE_HZ });
  const motion = native.createMotion({
    ...{ stillMps2: 0.3, shockMps2: 60, freeFallMps2: 2, freeFallMs: 150, noMotionMs: 60_000 },
  });
  const events = [new BigInt64Array(16), new Uint8Array(16), new Float64Array(16)] as const;
  const clock = [orientation6, orientation9, motion].map((filter) => advancing(() => filter.reset()));
  const madgwick = new Madgwick(1 / RATE_HZ);
  return {
    'orientation, 6 axes': () => orientation6.update(clock[0]!(), gyro, accel, undefined, out),
    'orientation, 9 axes': () => orientation9.update(clock[1]!(), gyro, accel, mag, out),
    motion: () => motion.update(clock[2]!(), accel, ...events),
    'Madgwick in JavaScript': () => {
      for (let i = 0; i < 3 * BATCH; i += 3) {
        madgwick.update(gyro[i]!, gyro[i + 1]!, gyro[i + 2]!, accel[i]!, accel[i + 1]!, accel[i + 2]!);
      }
    },
  };
}

function figures(ns: ReturnType<typeof timeNs>): readonly Figure[] {
  const { 'Madgwick in JavaScript': peerNs, ...ours } = ns;
  return Object.entries(ours).map(([what, batchNs]) => ({
    ...{ what, unit: 'ns/sample', better: 'less' as const, ours: batchNs / BATCH },
    ...(what === 'motion' ? {} : { peer: { name: 'Madgwick in JavaScript', value: peerNs! / BATCH } }),
  }));
}

/** Vectors that point along z with a little noise. */
function samples(along: number, noise: number, seed: number): Float64Array {
  const random = seeded(seed);
  return Float64Array.from(
    { length: 3 * BATCH },
    (_, i) => (i % 3 === 2 ? along : 0) + noise * (random() - 0.5),
  );
}

/** Times of one batch after another, made beforehand; when they are used up, `restart` is called and they begin anew. */
function advancing(restart: () => void): () => BigInt64Array {
  const batches = Array.from({ length: 1024 }, (_, batch) =>
    BigInt64Array.from({ length: BATCH }, (_, i) => BigInt(batch * BATCH + i) * INTERVAL_NS),
  );
  let next = 0;
  return () => {
    if (next === batches.length) {
      restart();
      next = 0;
    }
    return batches[next++]!;
  };
}
