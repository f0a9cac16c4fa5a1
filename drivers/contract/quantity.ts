/**
 * What a channel measures, with the SenML unit it is reported in (RFC 8428 §12.1, RFC 8798 for secondary units).
 * `''` is a count or a code without a unit.
 */
export const QUANTITY_UNITS = {
  temperature: 'Cel',
  pressure: 'Pa',
  relativeHumidity: '%RH',
  voltage: 'V',
  current: 'A',
  power: 'W',
  charge: 'C',
  ratio: '/',
  percent: '%',
  acceleration: 'm/s2',
  angularRate: 'rad/s',
  magneticFluxDensity: 'T',
  angle: 'deg',
  latitude: 'lat',
  longitude: 'lon',
  altitude: 'm',
  distance: 'm',
  speed: 'm/s',
  duration: 's',
  frequency: 'Hz',
  memory: 'B',
  signalPower: 'dBm',
  count: '',
  state: '',
  identity: '',
  text: '',
  dimensionless: '',
} as const;

export type Quantity = keyof typeof QUANTITY_UNITS;
export type Unit = (typeof QUANTITY_UNITS)[Quantity];

/**
 * How a channel's values are kept. `decimal`: an integer times 10^-scale, rounded half away from zero when the row is made (scale 0 to 9).
 * `int`: a whole number within ±(2^53 - 1). `enum`: an index into `labels`. `utf8` and `bytes`: at most 4096 bytes a value.
 */
export type ChannelType =
  | { readonly kind: 'f64' }
  | { readonly kind: 'decimal'; readonly scale: number }
  | { readonly kind: 'int' }
  | { readonly kind: 'enum'; readonly labels: readonly string[] }
  | { readonly kind: 'utf8' }
  | { readonly kind: 'bytes' };

/** The coarsest decimal that still tells two neighbouring counts of a part apart: the smaller the integers, the smaller the blocks. */
export function decimalFor(resolution: number): ChannelType {
  return { kind: 'decimal', scale: Math.min(9, Math.max(0, Math.ceil(-Math.log10(resolution)))) };
}

export interface Channel {
  /** `temperature`, `accelX`: unique in its stream, [a-z][A-Za-z0-9]*, at most 32 characters. */
  readonly name: string;
  readonly quantity: Quantity;
  readonly type: ChannelType;
  /** What the part can tell apart, in the channel's unit; for people and for choosing a scale. */
  readonly resolution?: number;
  /** What the datasheet says the part can report, in the channel's unit. A value outside is `suspect`. */
  readonly range?: readonly [min: number, max: number];
}

/** From the most to the least precious; the order in which a full store gives up its contents, read backwards. */
export const STREAM_CLASSES = ['alarm', 'event', 'telemetry', 'bulk', 'log'] as const;
export type StreamClass = (typeof STREAM_CLASSES)[number];

/** Per channel and row. A `fault` value is NaN (absent); the other three carry a number. */
export const QUALITY = { good: 0, suspect: 1, stale: 2, fault: 3 } as const;
export type QualityCode = (typeof QUALITY)[keyof typeof QUALITY];
