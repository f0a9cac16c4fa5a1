import { failure, type LinkFailureKind } from '../../runtime/uplink/failure.js';
import type {
  MqttConnect,
  MqttConnectOptions,
  MqttEvents,
  MqttMessage,
  ServerLimits,
} from '../../runtime/uplink/mqtt-port.js';

export interface Sent extends MqttMessage {
  readonly id: number;
  readonly link: number;
}

export interface FakeLink {
  readonly options: MqttConnectOptions;
  readonly events: MqttEvents;
  destroyed: boolean;
  ended: boolean;
}

/** A broker by hand: the test says what it answers, and when. */
export class FakePort {
  readonly links: FakeLink[] = [];
  readonly sent: Sent[] = [];
  #id = 0;

  readonly connect: MqttConnect = (options, events) => {
    const link: FakeLink = { options, events, destroyed: false, ended: false };
    const number = this.links.push(link) - 1;
    return {
      publish: (message) => {
        const id = ++this.#id;
        this.sent.push({ ...message, id, link: number });
        return id;
      },
      destroy: (why) => {
        if (link.destroyed) return;
        link.destroyed = true;
        queueMicrotask(() => events.down(why));
      },
      end: () => {
        link.ended = true;
        queueMicrotask(() => events.down(failure('closed', 'ended')));
        return Promise.resolve();
      },
    };
  };

  get last(): FakeLink {
    return this.links.at(-1)!;
  }

  accept(limits: Partial<ServerLimits> = {}): void {
    this.last.events.connected({ receiveMaximum: 65_535, maximumPacketBytes: 1_000_000, ...limits });
  }

  down(kind: LinkFailureKind): void {
    this.last.events.down(failure(kind, 'by the test'));
  }

  answer(sent: Sent, reasonCode = 0): void {
    this.last.events.answered(sent.id, reasonCode);
  }

  /** What was sent since the last call. */
  take(): Sent[] {
    return this.sent.splice(0);
  }

  /** Answers all that was sent since the last call. */
  answerAll(reasonCode = 0): Sent[] {
    const sent = this.take();
    for (const one of sent) this.answer(one, reasonCode);
    return sent;
  }
}
