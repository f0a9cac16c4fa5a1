import type { Channel } from '../../drivers/contract/index.js';
import type { IncomingPack, Store } from '../store/index.js';
import { Refused, type Status } from './types.js';
import { FOREIGN_SUFFIXES } from './units.js';

/** Streams and nodes that are remembered; the oldest is asked for again. */
const MAX_KNOWN = 16_384;
const MAX_CHANNELS = 64;

/** What packs are held against: the channels that their streams had, and who sends blocks. */
export class Known {
  readonly #channels = new Map<string, readonly Channel[]>();
  readonly #sendsBlocks = new Map<string, boolean>();

  constructor(private readonly store: Pick<Store, 'node'>) {}

  /** Says what its node sends, from now on. */
  heard({ node, fields }: Status): void {
    remember(this.#sendsBlocks, node, namesPackets(fields));
  }

  /** A node's own SenML is taken only where its blocks don't come: they carry the same rows, with their numbers. */
  async sendsBlocks(node: string, nowMs: number): Promise<boolean> {
    const known = this.#sendsBlocks.get(node);
    if (known !== undefined) return known;
    const status = (await this.store.node(node, nowMs))?.status;
    const sends = status !== undefined && namesPackets(status);
    remember(this.#sendsBlocks, node, sends);
    return sends;
  }

  /**
   * The pack with all channels that its stream had, in their order, and new ones at the end. Throws Refused `unitMismatch` for a channel that
   * had another unit or kind of value.
   */
  async aligned(pack: IncomingPack, nowMs: number): Promise<IncomingPack> {
    const key = `${pack.device}/${pack.stream}`;
    const had = await this.#had(key, pack, nowMs);
    const fresh = pack.channels.filter((channel) => !isHad(channel, had, pack));
    const channels = [...had, ...fresh];
    if (channels.length > MAX_CHANNELS)
      throw new Refused('tooLarge', `${pack.device}/${pack.stream}: more than ${MAX_CHANNELS} channels`);
    remember(this.#channels, key, channels);
    return arranged(pack, channels);
  }

  /** What it doesn't remember another process may have stored since. */
  async #had(key: string, pack: IncomingPack, nowMs: number): Promise<readonly Channel[]> {
    const remembered = this.#channels.get(key);
    if (remembered && pack.channels.every((channel) => isHad(channel, remembered, pack))) return remembered;
    const stored = await this.#stored(pack, nowMs);
    const names = new Set(stored.map(({ name }) => name));
    return [...stored, ...(remembered ?? []).filter(({ name }) => !names.has(name))];
  }

  async #stored({ device, stream }: IncomingPack, nowMs: number): Promise<readonly Channel[]> {
    const detail = await this.store.node(device, nowMs);
    return detail?.streams.find((one) => one.stream === stream)?.channels ?? [];
  }
}

function namesPackets(fields: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(fields.payloads) && fields.payloads.includes('packet');
}

function remember<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  if (map.size > MAX_KNOWN) for (const oldest of map.keys()) return void map.delete(oldest);
}

function isHad(channel: Channel, had: readonly Channel[], { device, stream }: IncomingPack): boolean {
  const like = had.find((one) => rootOf(one) === rootOf(channel));
  if (!like) return false;
  const isSame = like.name === channel.name && like.quantity === channel.quantity;
  if (isSame && like.type.kind === channel.type.kind) return true;
  throw new Refused(
    'unitMismatch',
    `${device}/${stream}: ${like.name} is ${like.quantity}, and ${channel.name} would be ${channel.quantity}`,
  );
}

/** Without the unit that a name carries where no quantity has it. */
function rootOf({ name, quantity }: Channel): string {
  const at = name.lastIndexOf('In');
  return at > 0 && quantity === 'dimensionless' && FOREIGN_SUFFIXES.has(name.slice(at))
    ? name.slice(0, at)
    : name;
}

function arranged(pack: IncomingPack, channels: readonly Channel[]): IncomingPack {
  const columns = channels.map(({ name }) => pack.channels.findIndex((one) => one.name === name));
  const width = pack.channels.length;
  const cells = pack.wallNs.flatMap((_, row) =>
    columns.map((column) => (column < 0 ? -1 : row * width + column)),
  );
  const texts = pack.texts && { texts: cells.map((cell) => pack.texts?.[cell]) };
  return {
    ...pack,
    channels,
    values: Float64Array.from(cells, (cell) => pack.values[cell] ?? Number.NaN),
    ...texts,
  };
}
