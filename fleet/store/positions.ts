import type { Channel } from '../../drivers/contract/index.js';
import type { Queries } from '../db/index.js';
import { withGiven } from './given.js';

/** Descriptors whose place of the coordinates is remembered. */
const MAX_KNOWN = 8_192;

/** Which channels of a descriptor are a position. */
export interface PositionChannels {
  readonly latitude: number;
  readonly longitude: number;
}

export interface DescriptorKey {
  readonly epochId: bigint;
  readonly stream: string;
  readonly version: number;
}

export class Positions {
  /** `undefined` is known too: it has none. */
  readonly #known = new Map<string, PositionChannels | undefined>();

  /** Of those descriptors that have come and have a position. */
  async of(
    tx: Queries,
    keys: readonly DescriptorKey[],
  ): Promise<(key: DescriptorKey) => PositionChannels | undefined> {
    const wanted = new Map(keys.map((key) => [textOf(key), key]));
    const rows = await withGiven<{ epoch_id: bigint; stream: string; version: bigint; channels: string }>(
      tx,
      { epoch_id: 'BIGINT', stream: 'TEXT', version: 'BIGINT' },
      [...wanted]
        .filter(([text]) => !this.#known.has(text))
        .map(([, { epochId, stream, version }]) => ({ epoch_id: epochId, stream, version: BigInt(version) })),
      (given) => `SELECT descriptor.epoch_id, descriptor.stream, descriptor.version, descriptor.channels
        FROM ${given} JOIN descriptor ON descriptor.epoch_id = given.epoch_id AND descriptor.stream = given.stream
          AND descriptor.version = given.version`,
    );
    for (const { epoch_id, stream, version, channels } of rows)
      this.#known.set(`${epoch_id}/${stream}/${version}`, positionOf(JSON.parse(channels)));
    const found = new Map([...wanted.keys()].map((text) => [text, this.#known.get(text)]));
    for (const oldest of this.#known.keys()) {
      if (this.#known.size <= MAX_KNOWN) break;
      this.#known.delete(oldest);
    }
    return (key) => found.get(textOf(key));
  }

  /** What a transaction that failed has told isn't so. */
  forget(): void {
    this.#known.clear();
  }
}

function textOf({ epochId, stream, version }: DescriptorKey): string {
  return `${epochId}/${stream}/${version}`;
}

function positionOf(channels: readonly Channel[]): PositionChannels | undefined {
  const at = (quantity: string) => channels.findIndex((channel) => channel.quantity === quantity);
  const [latitude, longitude] = [at('latitude'), at('longitude')];
  return latitude < 0 || longitude < 0 ? undefined : { latitude, longitude };
}
