import type { LinkFailure } from './failure.js';

/** Of a whole packet that the server may send us (MQTT 5; 3.1.1 has no word for it). */
export const INBOUND_MAX_BYTES = 64 * 1024;

export interface MqttMessage {
  readonly topic: string;
  readonly payload: Uint8Array;
  readonly retain: boolean;
}

export interface MqttConnectOptions {
  /** 4 is MQTT 3.1.1. */
  readonly protocol: 4 | 5;
  readonly clientId: string;
  /** Published by the broker when the link ends without a DISCONNECT. */
  readonly will: MqttMessage;
  /** Topics that are subscribed to with QoS 1, after the CONNACK and before `connected` is told. */
  readonly subscribe?: readonly string[];
}

/** What the CONNACK said, and the SUBACK. */
export interface ServerLimits {
  /** QoS 1 publishes that may be unanswered; 65,535 where the server doesn't say. */
  readonly receiveMaximum: number;
  /** Bytes of a whole packet. */
  readonly maximumPacketBytes: number;
  /** The server refused a subscription, with this reason code (128 and above); absent: it granted all. */
  readonly subscriptionRefusedWith?: number;
}

export interface MqttEvents {
  connected(server: ServerLimits): void;
  /** A PUBACK for a publish of this link. Reason code 0 on MQTT 3.1.1, which has none. */
  answered(id: number, reasonCode: number): void;
  /** A PUBACK that answers nothing we sent. */
  strayAnswer(): void;
  /** Something came on a topic that was subscribed to; at most INBOUND_MAX_BYTES on MQTT 5. */
  message(topic: string, payload: Uint8Array): void;
  /** Once, and the last: whatever was unanswered stays so. */
  down(failure: LinkFailure): void;
}

/** What a connection has carried so far, TLS included. */
export interface Traffic {
  readonly sentBytes: number;
  readonly receivedBytes: number;
  /** Our end's address; `undefined` until TCP is connected. */
  readonly localAddress: string | undefined;
}

/** One connection, from CONNECT to its end; a new one is made for each try. Nothing is queued or resent inside. */
export interface MqttLink {
  /** QoS 1. Gives the id that `answered` will name. Only after `connected`. */
  publish(message: MqttMessage): number;
  /** Without it no budget can be kept. */
  traffic?(): Traffic;
  /** Cuts the connection; `down` follows with the given failure. */
  destroy(failure: LinkFailure): void;
  /** Says DISCONNECT (no last will), then closes. Resolves when it is closed. */
  end(): Promise<void>;
}

/** Starts a connection. Every failure comes by `down`, on a later turn. */
export type MqttConnect = (options: MqttConnectOptions, events: MqttEvents) => MqttLink;
