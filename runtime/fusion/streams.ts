import type { Channel } from '../../drivers/contract/index.js';
import { MOTION_EVENTS } from '../../native/types.js';
import type { FusionConfig } from '../config/types.js';
import type { SamplerStream } from '../sampler/types.js';

export const MOTION_STREAM = 'motion';
export const ALARM_STREAM = 'motion.alarm';
export const ORIENTATION_STREAM = 'orientation';

export const PEAK_SCALE = 2;
export const QUATERNION_SCALE = 4;

const EVENT_CHANNELS: readonly Channel[] = [
  { name: 'event', quantity: 'state', type: { kind: 'enum', labels: MOTION_EVENTS } },
  { name: 'peak', quantity: 'acceleration', type: { kind: 'decimal', scale: PEAK_SCALE } },
];

const QUATERNION_CHANNELS: readonly Channel[] = ['qw', 'qx', 'qy', 'qz'].map((name) => ({
  name,
  quantity: 'dimensionless',
  type: { kind: 'decimal', scale: QUATERNION_SCALE },
  range: [-1, 1],
}));

/** The streams that fusion adds, to be declared before the first row. None without a configuration. */
export function fusionStreams(config: FusionConfig | undefined): readonly SamplerStream[] {
  if (!config) return [];
  const own = { partId: config.imu, keep: true };
  const events = { ...own, channels: EVENT_CHANNELS };
  const streams: SamplerStream[] = [
    { ...events, name: MOTION_STREAM, class: 'event', title: 'Motion' },
    { ...events, name: ALARM_STREAM, class: 'alarm', title: 'Motion alarms: shock, fall, no motion' },
  ];
  if (config.orientationIntervalMs > 0) {
    const title = config.magnetometer ? 'Orientation, east north up' : 'Orientation, heading relative';
    const channels = QUATERNION_CHANNELS;
    streams.push({ ...own, name: ORIENTATION_STREAM, class: 'telemetry', title, channels });
  }
  return streams;
}
