import { failure, type LinkFailure } from '../../../runtime/uplink/failure.js';
import type {
  MqttConnectOptions,
  MqttEvents,
  MqttLink,
  MqttMessage,
  Traffic,
} from '../../../runtime/uplink/index.js';
import type { Life } from '../machine/life.js';
import type { Broker } from './broker.js';
import { addressOf, type Way } from './metered.js';
import type { Network } from './network.js';

/** Headers of a PUBLISH, and a PUBACK with what TCP and IP add. */
const PUBLISH_BYTES = 60;
const PUBACK_BYTES = 45;
const HANDSHAKE_BYTES = 600;
/** Of a packet (MQTT 5 §3.1.2.11.4). */
const UNBOUND_BYTES = 268_435_455;
/** The port's own ping: a half-open link that nobody uses is found by it. */
const KEEP_ALIVE_DEAD_NS = 90e9;

/** What a link did, told to whoever watches. */
export interface LinkWatch {
  connecting(link: SimLink): void;
  connected(link: SimLink): void;
  published(link: SimLink, id: number, message: MqttMessage): void;
  /** `message`: what it is the answer to, if anything. */
  answered(link: SimLink, id: number, reasonCode: number, message?: MqttMessage): void;
  heard(link: SimLink, topic: string, bytes: number): void;
  down(link: SimLink, why: LinkFailure): void;
  /** So many bytes of the connection have gone one way or the other. */
  carried(link: SimLink, bytes: number): void;
}

/** One connection of the node's to the broker, behind the product's MQTT port. */
export class SimLink implements MqttLink {
  isOpen = true;
  isUp = false;
  /** Nothing comes through any more, and nobody says so. */
  isDeaf = false;
  readonly #way: Way;
  /** Of the TCP connection. */
  #sentBytes = 0;
  #receivedBytes = 0;
  readonly unanswered = new Map<number, { readonly sentNs: number; readonly message: MqttMessage }>();
  #nextId = 1;

  constructor(
    readonly life: Life,
    readonly network: Network,
    readonly broker: Broker,
    readonly options: MqttConnectOptions,
    readonly events: MqttEvents,
    readonly watch: LinkWatch,
  ) {
    this.#way = network.way;
    watch.connecting(this);
    if (!life.dead) this.#begin();
  }

  #begin(): void {
    const { outage } = this.network;
    if (outage) {
      if (outage.how !== 'timeout' && !outage.halfOpen)
        this.#downLater(failure(outage.how, 'simulated'), 50e6);
      return;
    }
    this.#sent(HANDSHAKE_BYTES);
    this.network.carry('up', HANDSHAKE_BYTES, () => {
      if (!this.isOpen || this.isDeaf || this.network.outage) return;
      const refusal = this.broker.admit(this);
      this.network.carry('down', HANDSHAKE_BYTES, () => {
        if (!this.isOpen || this.life.dead || this.isDeaf || this.network.outage) return;
        this.#received(HANDSHAKE_BYTES);
        if (refusal) this.down(refusal);
        else this.#connected();
      });
    });
  }

  get isMetered(): boolean {
    return this.#way === 'metered';
  }

  /** MQTT 3.1.1 has no word for it. */
  get #maximumPacketBytes(): number {
    const { maximumPacketBytes } = this.network.plan;
    return (this.options.protocol === 5 ? maximumPacketBytes : undefined) ?? UNBOUND_BYTES;
  }

  traffic(): Traffic {
    const [sentBytes, receivedBytes] = [this.#sentBytes, this.#receivedBytes];
    return { sentBytes, receivedBytes, localAddress: addressOf(this.#way) };
  }

  #sent(bytes: number): void {
    this.#sentBytes += bytes;
    this.watch.carried(this, bytes);
  }

  #received(bytes: number): void {
    this.#receivedBytes += bytes;
    this.watch.carried(this, bytes);
  }

  #connected(): void {
    this.isUp = true;
    this.watch.connected(this);
    this.events.connected({
      receiveMaximum: this.network.plan.receiveMaximum,
      maximumPacketBytes: this.#maximumPacketBytes,
    });
  }

  #downLater(why: LinkFailure, afterNs: number): void {
    this.life.kernel.after(afterNs, () => this.down(why));
  }

  publish(message: MqttMessage): number {
    const id = this.#nextId;
    this.#nextId = (this.#nextId % 65_535) + 1;
    if (this.life.dead) return id;
    this.unanswered.set(id, { sentNs: this.life.kernel.nowNs, message });
    this.watch.published(this, id, message);
    this.network.onMoment('publish');
    const bytes = message.payload.length + message.topic.length + PUBLISH_BYTES;
    this.#sent(bytes);
    if (this.isDeaf || !this.isOpen) return id;
    this.network.carry('up', bytes, () => {
      if (this.isOpen && !this.isDeaf) this.broker.take(this, id, message);
    });
    return id;
  }

  /** The broker answers. */
  answer(id: number, reasonCode: number): void {
    this.network.carry('down', PUBACK_BYTES, () => {
      if (!this.isOpen || this.isDeaf || this.life.dead) return;
      this.#received(PUBACK_BYTES);
      this.network.onMoment('answer');
      if (!this.isOpen || this.isDeaf || this.life.dead) return;
      const message = this.unanswered.get(id)?.message;
      if (!this.unanswered.delete(id)) {
        this.watch.answered(this, id, -1);
        this.events.answered(id, reasonCode);
        return;
      }
      this.watch.answered(this, id, reasonCode, message);
      this.events.answered(id, this.options.protocol === 5 ? reasonCode : 0);
    });
  }

  /** A message of another's, on a topic that the node has subscribed to. */
  deliver(topic: string, payload: Uint8Array): void {
    if (!this.options.subscribe?.includes(topic)) return;
    const bytes = payload.length + topic.length + PUBLISH_BYTES;
    this.network.carry('down', bytes, () => {
      if (!this.isOpen || this.isDeaf || this.life.dead) return;
      this.#received(bytes);
      this.watch.heard(this, topic, payload.length);
      this.events.message(topic, payload);
    });
  }

  /** The way between is gone without a word. */
  deafen(): void {
    if (!this.isOpen) return;
    this.isDeaf = true;
    this.#downLater(failure('timeout', 'no answer to a ping'), KEEP_ALIVE_DEAD_NS);
  }

  destroy(why: LinkFailure): void {
    if (this.life.dead || !this.isOpen) return;
    this.#downLater(why, 0);
  }

  end(): Promise<void> {
    if (!this.life.dead) this.down(failure('closed', 'by the node'));
    return this.life.later(1e6, () => undefined);
  }

  down(why: LinkFailure): void {
    if (!this.isOpen) return;
    this.#close(why);
    if (!this.life.dead) this.events.down(why);
  }

  /** The process is gone, or the link: the broker notices. */
  #close(why: LinkFailure): void {
    this.isOpen = false;
    this.isUp = false;
    this.network.cleared();
    this.broker.closed(this);
    this.watch.down(this, why);
  }
}
