import type { MqttMessage } from '../../../runtime/uplink/index.js';
import { isAside } from '../net/broker.js';
import type { SimLink } from '../net/link.js';
import type { World } from '../run/world.js';

/** Answers that keep the whole class back (docs/wire-format.md, 4). */
const LATER = [0x10, 0x87, 0x97];

/** What is refused for now is tried again block by block, after a pause: not with the whole window, and not at once. Nothing goes twice at a time. */
export class Refusals {
  /** Classes of which one block at a time is tried. */
  readonly #refused = new Set<string>();
  /** Of each class that pauses: since when. What is refused meanwhile was under way, and prolongs nothing. */
  readonly #pausedNs = new Map<string, number>();

  constructor(readonly world: World) {}

  connected(): void {
    this.#refused.clear();
    this.#pausedNs.clear();
  }

  answered(link: SimLink, reasonCode: number, message: MqttMessage): void {
    if (link.options.protocol !== 5 || isAside(message)) return;
    const name = classOf(message);
    if (reasonCode === 0) this.#refused.delete(name);
    if (!LATER.includes(reasonCode)) return;
    this.#refused.add(name);
    if (!this.#pausedNs.has(name)) this.#pausedNs.set(name, this.world.kernel.nowNs);
  }

  published(link: SimLink, id: number, message: MqttMessage): void {
    const { oracle, scenario } = this.world;
    if (isAside(message)) return;
    const others = [...link.unanswered].filter(([other]) => other !== id).map(([, one]) => one.message);
    if (others.some((other) => other.topic === message.topic && isSame(other.payload, message.payload)))
      oracle.fail('twice', `a block of ${message.topic} is sent while it is under way`);
    // A pack follows its block, and a resend for want of a receipt asks nobody.
    const name = classOf(message);
    const pausedNs = this.#pausedNs.get(name);
    this.#pausedNs.delete(name);
    if (scenario.uplink.senml || scenario.uplink.custody === 'fleet') return;
    const inClass = others.filter((other) => !isAside(other) && classOf(other) === name);
    if (this.#refused.has(name) && inClass.length > 0)
      oracle.fail(
        'refused',
        `${message.topic} is sent beside ${inClass.length} of its class, which is refused`,
      );
    // Once anything is taken, somebody listens: descriptors go at once.
    if (name === 'meta' || pausedNs === undefined) return;
    const waitedMs = (this.world.kernel.nowNs - pausedNs) / 1e6;
    if (waitedMs < 0.99 * scenario.uplink.backoffMinMs - 1)
      oracle.fail('refused', `${message.topic} is sent ${waitedMs} ms after its class was refused`);
  }
}

function classOf({ topic }: MqttMessage): string {
  return topic.split('/')[3] ?? '';
}

function isSame(one: Uint8Array, other: Uint8Array): boolean {
  return one.length === other.length && Buffer.compare(one, other) === 0;
}
