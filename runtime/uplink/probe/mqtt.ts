import type { Socket } from 'node:net';
import type { MqttClient as Client, IConnackPacket, Packet } from 'mqtt';
import type { NodeId } from '../../../wire/index.js';
import { testTopic } from '../../../wire/index.js';
import type { UplinkConfig } from '../../config/types.js';
import { answerOf } from '../answers.js';
import { errorFailure, failure, type LinkFailure, type LinkFailureKind, reasonFailure } from '../failure.js';
import { MqttClient, sessionOptions } from '../mqtt-js.js';
import { ProbeError, type ProbePorts } from './types.js';

/** Of a broker that ties user or certificate to the node's own id. */
const OF_THE_ID: readonly LinkFailureKind[] = ['identifier', 'auth', 'closed', 'reset'];
const PAYLOAD = 'cairn uplink test';
const GOODBYE_MS = 500;

/** MQTT's bound of ids that every server takes: 23 letters and digits (MQTT 5 §3.1.3.1). The node's own id would throw the node off. */
export function testClientId(node: NodeId): string {
  return `${node}test`;
}

/** A session of the test's own on a connection that is ready; every failure rejects with a ProbeError. */
export class ProbeSession {
  readonly #client: Client;
  readonly #id: string;
  #fail: (why: LinkFailure) => void = () => undefined;
  #reason = '';

  constructor(
    socket: Socket,
    private readonly config: UplinkConfig,
    private readonly node: NodeId,
    private readonly protocol: 4 | 5,
    private readonly clock: ProbePorts['clock'],
  ) {
    this.#id = testClientId(node);
    this.#client = new MqttClient(() => socket, this.#options());
    this.#client.on('packetreceive', (packet) => {
      const { reasonString } =
        ('properties' in packet && (packet.properties as { reasonString?: string })) || {};
      this.#reason = reasonString ? `; it says: ${reasonString}` : '';
    });
    this.#client.on('disconnect', ({ reasonCode = 0 }) =>
      this.#fail(reasonFailure(reasonCode, 'the broker ended the connection')),
    );
    this.#client.on('error', (error) => this.#fail(errorFailure(error, this.#client.connected)));
    socket.on('error', (error) => this.#fail(errorFailure(error, this.#client.connected)));
    socket.on('close', () =>
      this.#fail(failure('closed', 'the broker closed the connection without a word')),
    );
  }

  #options() {
    try {
      return sessionOptions(this.config, { protocol: this.protocol, clientId: this.#id });
    } catch (error) {
      throw ProbeError.of(failure('credentials', (error as Error).message));
    }
  }

  /** What the CONNACK said. */
  connected(): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#fail = (why) => {
        const id = OF_THE_ID.includes(why.kind)
          ? `; the test's client id is ${this.#id}: a broker that wants the node's own refuses it`
          : '';
        reject(ProbeError.of(why, this.#reason + id));
      };
      this.#client.once('connect', (connack) => resolve(this.#connackText(connack)));
    });
  }

  /** What the PUBACK of a QoS 1 message to the test's own topic said. */
  published(): Promise<string> {
    const topic = testTopic(this.node);
    return new Promise((resolve, reject) => {
      this.#fail = (why) => reject(ProbeError.of(why, `; it was sent to ${topic}${this.#reason}`));
      const answered = ({ reasonCode = 0 }: Extract<Packet, { cmd: 'puback' }>) => {
        if (this.protocol === 4)
          resolve(`PUBACK; MQTT 3.1.1 doesn't say whether anybody listens to ${topic}`);
        else if (reasonCode === 0) resolve(`PUBACK 0x00: the broker took it, somebody listens to ${topic}`);
        else if (reasonCode === 0x10)
          resolve(`PUBACK 0x10: the broker took it; nobody listens to ${topic}, and nobody has to`);
        else reject(new ProbeError('notTaken', refusedText(reasonCode, topic) + this.#reason));
      };
      this.#client.on('packetreceive', (packet) => {
        if (packet.cmd === 'puback') answered(packet);
      });
      // What it calls back is told by the packet already.
      this.#client.publish(topic, PAYLOAD, { qos: 1 }, () => undefined);
    });
  }

  /** Says goodbye, and waits for it no longer than half a second. */
  async end(): Promise<void> {
    this.#fail = () => undefined;
    await new Promise<void>((resolve) => {
      const timer = this.clock.after(GOODBYE_MS, resolve);
      this.#client.end(false, {}, () => {
        timer.cancel();
        resolve();
      });
    });
  }

  #connackText({ sessionPresent, properties }: IConnackPacket): string {
    const session = sessionPresent ? 'an old session' : 'a new session';
    if (this.protocol === 4) return `MQTT 3.1.1; CONNACK 0x00, ${session}; client id ${this.#id}`;
    const window = `receiveMaximum ${properties?.receiveMaximum ?? 65_535}`;
    return `MQTT 5; CONNACK 0x00, ${session}, ${window}; client id ${this.#id}`;
  }
}

function refusedText(reasonCode: number, topic: string): string {
  const answer = answerOf(reasonCode);
  const why = answer.kind === 'later' ? answer.advice : 'cause' in answer ? answer.cause : '';
  return `PUBACK 0x${reasonCode.toString(16)} of ${topic}: ${why}`;
}
