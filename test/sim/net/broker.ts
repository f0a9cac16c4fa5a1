import { failure, type LinkFailure } from '../../../runtime/uplink/failure.js';
import type { MqttMessage } from '../../../runtime/uplink/index.js';
import { META_STREAM } from '../../../wire/index.js';
import type { Random } from '../kernel/random.js';
import type { Trace } from '../kernel/trace.js';
import type { Fleet } from './fleet.js';
import type { SimLink } from './link.js';
import type { Network } from './network.js';

export interface BrokerWatch {
  /** The broker has the message, and keeps it for the receiver. */
  took(message: MqttMessage): void;
  refused(message: MqttMessage, reasonCode: number): void;
}

/** A broker with a persistent session of one receiver. */
export class Broker {
  isUp = true;
  link: SimLink | undefined;
  will: MqttMessage | undefined;

  constructor(
    readonly network: Network,
    readonly fleet: Fleet,
    readonly random: Random,
    readonly trace: Trace,
    readonly watch: BrokerWatch,
  ) {}

  /** Why it doesn't let the link in, or undefined. A client of the same name is thrown out. */
  admit(link: SimLink): LinkFailure | undefined {
    if (!this.isUp) return failure('refused', 'the broker is down');
    const { oldBroker } = this.network.plan;
    if (oldBroker && link.options.protocol === 5) return failure('version', 'MQTT 3.1.1 only');
    this.link?.down(failure('takenOver', 'session taken over'));
    this.link = link;
    return undefined;
  }

  closed(link: SimLink): void {
    if (this.link === link) this.link = undefined;
  }

  take(link: SimLink, id: number, message: MqttMessage): void {
    if (!this.isUp) return;
    const { silent } = this.network;
    if (silent && !silent.takes) return;
    const code = this.#judge(link, message);
    this.trace.note('broker', `${message.topic} ${id} ${code}`);
    if (code === 0) this.#keep(message);
    else if (!isAside(message)) this.watch.refused(message, code);
    this.network.onMoment('taken');
    if (silent || !link.isOpen) return;
    if (this.network.strayPubacks && this.random.chance(0.3)) link.answer(60_000 + this.random.int(0, 99), 0);
    if (this.random.chance(this.network.lostPubacks)) this.trace.note('lostPuback', id);
    else link.answer(id, code);
  }

  #keep(message: MqttMessage): void {
    if (message.topic.includes('/notice/')) this.watch.took(message);
    if (isAside(message)) return;
    this.watch.took(message);
    this.fleet.enqueue(message);
  }

  /** MQTT 3.1.1 has no reasons: such a broker of ours takes everything. */
  #judge(link: SimLink, message: MqttMessage): number {
    if (link.options.protocol !== 5 || message.topic.endsWith('/status')) return 0;
    if (!this.network.hasSubscriber) return 0x10;
    const { refusal } = this.network;
    const isMeta = message.topic.endsWith(`/${META_STREAM}`);
    // A dead letter of the meta stream is for good, and with it what it says: no broker refuses its shape.
    if (!refusal || (isMeta && [0x90, 0x95, 0x99].includes(refusal.code))) return 0;
    return this.random.chance(refusal.share) ? refusal.code : 0;
  }

  /** To the node, if it is there: its session keeps nothing for it. */
  forward(topic: string, payload: Uint8Array): void {
    const { link } = this;
    if (!this.isUp || !link?.isUp || this.random.chance(this.network.lostReceipts)) {
      this.trace.note('receipt.lost');
      return;
    }
    link.deliver(topic, payload);
  }

  /** It ends and comes back. */
  restart(losesQueue: boolean): void {
    this.isUp = false;
    if (losesQueue) this.fleet.queueLost();
    this.link?.down(failure('closed', 'the broker is going down'));
  }
}

/** Statuses, notices and SenML are no blocks. */
export function isAside({ topic }: MqttMessage): boolean {
  return topic.endsWith('/status') || topic.includes('/notice/') || topic.includes('/senml/');
}
