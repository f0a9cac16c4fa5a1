import { failure } from '../../runtime/uplink/failure.js';
import type { MqttConnect, MqttEvents, MqttLink } from '../../runtime/uplink/mqtt-port.js';
import type { SimClock } from '../support/sim-clock.js';

export interface BrokerModelOptions {
  /** One way and back, ms. */
  readonly roundTripMs: number;
  /** Publishes that it answers in a second, all clients together; the others wait their turn. */
  readonly publishesPerS: number;
  /** MQTT 5 has a word for it; mosquitto 2.0 and all of 3.1.1 just close. */
  readonly saysTakenOver: boolean;
}

interface Session {
  readonly events: MqttEvents;
  isUp: boolean;
}

/** A broker for many uplinks on one simulated clock: one session a client id, and only so many answers a second. */
export class BrokerModel {
  readonly connectsNs: bigint[] = [];
  readonly publishesNs: bigint[] = [];
  isDown = false;
  readonly #sessions = new Map<string, Session>();
  #busyUntilNs = 0n;
  #id = 0;

  constructor(
    private readonly clock: SimClock,
    private readonly options: BrokerModelOptions,
  ) {}

  readonly connect: MqttConnect = (options, events) => {
    const session: Session = { events, isUp: true };
    this.clock.after(this.options.roundTripMs, () => {
      if (!session.isUp) return;
      if (this.isDown) this.#end(session, 'refused');
      else this.#accept(options.clientId, session);
    });
    return this.#link(session);
  };

  /** It ends, and comes back after a while. */
  restart(outageMs: number): void {
    this.isDown = true;
    for (const session of this.#sessions.values()) this.#end(session, 'closed');
    this.#sessions.clear();
    this.#busyUntilNs = 0n;
    this.clock.after(outageMs, () => {
      this.isDown = false;
    });
  }

  #accept(clientId: string, session: Session): void {
    this.connectsNs.push(this.clock.nowNs());
    const before = this.#sessions.get(clientId);
    if (before) this.#end(before, this.options.saysTakenOver ? 'takenOver' : 'closed');
    this.#sessions.set(clientId, session);
    session.events.connected({ receiveMaximum: 65_535, maximumPacketBytes: 1_000_000 });
  }

  #link(session: Session): MqttLink {
    return {
      publish: () => {
        const id = ++this.#id;
        this.publishesNs.push(this.clock.nowNs());
        this.#answerInTurn(session, id);
        return id;
      },
      destroy: (why) => {
        if (!session.isUp) return;
        session.isUp = false;
        queueMicrotask(() => session.events.down(why));
      },
      end: () => Promise.resolve(this.#end(session, 'closed')),
    };
  }

  #answerInTurn(session: Session, id: number): void {
    const nowNs = this.clock.nowNs();
    const fromNs = this.#busyUntilNs > nowNs ? this.#busyUntilNs : nowNs;
    this.#busyUntilNs = fromNs + BigInt(Math.round(1e9 / this.options.publishesPerS));
    const waitMs = Number(this.#busyUntilNs - nowNs) / 1e6 + this.options.roundTripMs;
    this.clock.after(waitMs, () => {
      if (session.isUp) session.events.answered(id, 0);
    });
  }

  #end(session: Session, kind: 'refused' | 'closed' | 'takenOver'): void {
    if (!session.isUp) return;
    session.isUp = false;
    queueMicrotask(() => session.events.down(failure(kind, 'by the model')));
  }
}
