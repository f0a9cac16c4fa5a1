import type { Channel, Rows, Value } from '../../../drivers/contract/index.js';
import { mix } from '../kernel/random.js';
import type { StreamPlan } from '../scenario.js';

const ID: Channel = { name: 'id', quantity: 'count', type: { kind: 'int' } };
const MAX_BLOB_BYTES = 3000;
/** What blobs are cut from: noise, so that nothing compresses it. */
const NOISE = Uint8Array.from({ length: 65_536 }, (_, i) => mix(i) & 0xff);

/** A shape of rows whose every value follows from the reading's number. */
export interface Shape {
  readonly channels: readonly Channel[];
  row(id: number): readonly Value[];
}

const SHAPES: Readonly<Record<StreamPlan['shape'], Shape>> = {
  climate: {
    channels: [
      ID,
      { name: 'temperature', quantity: 'temperature', type: { kind: 'decimal', scale: 2 } },
      { name: 'pressure', quantity: 'pressure', type: { kind: 'f64' } },
    ],
    row: (id) => [id, (mix(id) % 12_500) / 100, 90_000 + mix(id + 7) / 65_536],
  },
  fifo: {
    channels: [
      ID,
      { name: 'accelX', quantity: 'acceleration', type: { kind: 'decimal', scale: 3 } },
      { name: 'accelY', quantity: 'acceleration', type: { kind: 'decimal', scale: 3 } },
    ],
    row: (id) => [id, ((mix(id) % 40_000) - 20_000) / 1000, ((mix(id + 1) % 40_000) - 20_000) / 1000],
  },
  door: {
    channels: [
      ID,
      { name: 'state', quantity: 'state', type: { kind: 'enum', labels: ['closed', 'open', 'forced'] } },
      { name: 'note', quantity: 'text', type: { kind: 'utf8' } },
    ],
    row: (id) => [id, mix(id) % 3, `door ${mix(id) % 90} überprüft`],
  },
  blob: {
    channels: [ID, { name: 'data', quantity: 'text', type: { kind: 'bytes' } }],
    row: (id) => {
      const length = 200 + (mix(id) % MAX_BLOB_BYTES);
      const at = mix(id + 3) % (NOISE.length - length);
      return [id, NOISE.subarray(at, at + length)];
    },
  },
};

/** `reshaped`: with one more channel, as a later version of the stream's descriptor. */
export function shapeOf(plan: StreamPlan, reshaped: boolean): Shape {
  const shape = SHAPES[plan.shape];
  if (!reshaped) return shape;
  const extra: Channel = { name: 'added', quantity: 'count', type: { kind: 'int' } };
  return { channels: [...shape.channels, extra], row: (id) => [...shape.row(id), mix(id + 11) % 1000] };
}

/** Rows of readings `first` and on, at the given times. */
export function rowsOf(shape: Shape, first: number, timesNs: readonly bigint[]): Rows {
  const width = shape.channels.length;
  const values = new Float64Array(width * timesNs.length).fill(Number.NaN);
  const quality = new Uint8Array(width * timesNs.length);
  const hasTexts = shape.channels.some(({ type }) => type.kind === 'utf8' || type.kind === 'bytes');
  const texts = hasTexts
    ? new Array<string | Uint8Array | undefined>(values.length).fill(undefined)
    : undefined;
  for (let i = 0; i < timesNs.length; i += 1) {
    const row = shape.row(first + i);
    for (let c = 0; c < width; c += 1) {
      const value = row[c];
      if (typeof value === 'number') values[i * width + c] = value;
      else if (texts) texts[i * width + c] = value;
    }
  }
  const rows = { stream: '', timesNs: BigInt64Array.from(timesNs), values, quality };
  return texts ? { ...rows, texts } : rows;
}
