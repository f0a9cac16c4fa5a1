import type { PartConfig } from '../../config/index.js';
import { ask, controlPath } from '../../control.js';
import type { SamplerStream } from '../../sampler/index.js';
import { CommandError, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';
import type { Target } from './readings.js';

/** The part that is named, of the node that runs. */
export interface HeldPart {
  readonly path: string;
  readonly part: PartConfig;
}

export function partOf(call: Invocation): HeldPart {
  const { parts, store } = readRunning(call);
  const part = parts.find(({ id }) => id === call.positionals[0]);
  if (part) return { part, path: controlPath(store.path) };
  const known = parts.map(({ id }) => id).join(', ');
  throw new CommandError(EXIT.usage, `which part? cairn calibrate <part>; the node file has: ${known}`);
}

export function noNode(): CommandError {
  return new CommandError(
    EXIT.failed,
    'no node runs: a calibration needs one, which holds the part and gives its readings',
  );
}

/** How a part is calibrated, and which of its channels: the axes of its one sensor, or the channel that is named. */
export type Guided = Target & { readonly kind: 'twoPoint' | 'sixPositions' | 'ellipsoid' };

export async function targetOf(call: Invocation): Promise<Guided> {
  const { path, part } = partOf(call);
  const streams = (await ask(path, 'streams', { params: { part: part.id } })) as
    | readonly SamplerStream[]
    | undefined;
  if (!streams) throw noNode();
  const [, channel] = call.positionals;
  const found = channel === undefined ? (axesOf(streams) ?? onlyOne(streams)) : oneChannel(streams, channel);
  if (found) return { path, part, ...found };
  const all = streams.flatMap((stream) => scalarsOf(stream));
  throw new CommandError(
    EXIT.usage,
    all.length === 0
      ? `${part.id} has nothing that could be calibrated, or has not been opened yet: cairn why ${part.id}`
      : `which channel? cairn calibrate ${part.id} <channel>; it has: ${all.join(', ')}`,
  );
}

type Found = Pick<Guided, 'stream' | 'channels' | 'kind'>;

/** Stems of three axes, and what they are calibrated by. Of an inertial part the gyroscope has nothing to be held against. */
const AXES = [
  ['accel', 'sixPositions'],
  ['field', 'ellipsoid'],
] as const;

function axesOf(streams: readonly SamplerStream[]): Found | undefined {
  for (const [stem, kind] of AXES) {
    const channels = ['X', 'Y', 'Z'].map((axis) => `${stem}${axis}`);
    const stream = streams.find((one) => channels.every((name) => scalarsOf(one).includes(name)));
    if (stream) return { stream, channels, kind };
  }
  return undefined;
}

function onlyOne(streams: readonly SamplerStream[]): Found | undefined {
  const all = streams.flatMap((stream) => scalarsOf(stream));
  return all.length === 1 ? oneChannel(streams, all[0]!) : undefined;
}

function oneChannel(streams: readonly SamplerStream[], channel: string): Found | undefined {
  const stream = streams.find((one) => scalarsOf(one).includes(channel));
  return stream && { stream, channels: [channel], kind: 'twoPoint' };
}

function scalarsOf({ channels }: SamplerStream): readonly string[] {
  return channels.flatMap(({ name, type }) => (type.kind === 'decimal' || type.kind === 'f64' ? [name] : []));
}
