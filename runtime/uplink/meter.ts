import type { LinkClass } from '../config/types.js';
import type { Budgets } from './budgets.js';
import { type Interfaces, linkClassOf } from './link-class.js';
import type { MqttConnect, MqttLink } from './mqtt-port.js';

/** IPv4 20, TCP 20, its timestamps 12 (RFC 791, 9293, 7323); the payload of a full segment on 1500 bytes, less what tunnels take. */
const SEGMENT_HEADER_BYTES = 52;
const SEGMENT_BYTES = 1400;
/** Three segments to open a connection, four to close it. */
const OPEN_CLOSE_BYTES = 7 * SEGMENT_HEADER_BYTES;

/** What so many bytes of a TCP stream take on the wire: their segments, each acknowledged by one without data. */
export function wireBytes(streamBytes: number): number {
  return streamBytes + 2 * SEGMENT_HEADER_BYTES * Math.ceil(streamBytes / SEGMENT_BYTES);
}

export interface MeterOptions {
  readonly budgets: Budgets;
  readonly links: readonly LinkClass[];
  readonly interfaces: Interfaces;
}

/** Charges the budget of the link's class for all that its connections carry: TLS, MQTT, pings, and refused ones too. */
export class Meter {
  #link: MqttLink | undefined;
  #counted = { sentBytes: 0, receivedBytes: 0 };

  constructor(private readonly options: MeterOptions) {}

  /** The same port, counted at whatever comes: what a small packet's segment takes is seen only where it is looked at by itself. */
  metered(connect: MqttConnect): MqttConnect {
    return (options, events) => {
      const link = connect(options, {
        ...events,
        connected: (server) => {
          this.count();
          events.connected(server);
        },
        answered: (id, reasonCode) => {
          this.count();
          events.answered(id, reasonCode);
        },
        message: (topic, payload) => {
          this.count();
          events.message(topic, payload);
        },
        down: (why) => {
          this.count();
          this.#link = undefined;
          events.down(why);
        },
      });
      this.#link = link;
      this.#counted = { sentBytes: 0, receivedBytes: 0 };
      return link;
    };
  }

  /** Charges what has passed since the last call. */
  count(): void {
    const traffic = this.#link?.traffic?.();
    if (!traffic) return;
    const { budgets, links, interfaces } = this.options;
    const { sentBytes, receivedBytes } = this.#counted;
    const isFirst = sentBytes === 0 && receivedBytes === 0;
    if (isFirst) budgets.use(linkClassOf(traffic.localAddress, interfaces, links));
    const bytes = wireBytes(traffic.sentBytes - sentBytes) + wireBytes(traffic.receivedBytes - receivedBytes);
    this.#counted = traffic;
    budgets.spend(bytes + (isFirst ? OPEN_CLOSE_BYTES : 0));
  }
}
