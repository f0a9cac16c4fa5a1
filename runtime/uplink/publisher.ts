import type { MqttMessage } from './mqtt-port.js';

/** PUBLISH, QoS 1 (MQTT 5 and 3.1.1 §3.3.1). */
const PUBLISH_QOS1 = 0x32;
const RETAIN = 0x01;
const MAX_PACKET_ID = 65_535;
/** Type and remaining length (§2.1). */
const MAX_FIXED_BYTES = 5;
/** Room for the next turn: as much as the last one took, within these. */
const LEAST_BYTES = 1024;
const MOST_BYTES = 64 * 1024;

/**
 * QoS 1 publishes as bytes, all of one turn in one write. A library's way (an object, a copy of it, four writes and a stored entry a message)
 * costs 30 µs a message where a C bridge takes 10.
 */
export class Publisher {
  readonly #unanswered = new Set<number>();
  readonly #topics = new Map<string, Buffer>();
  #lastId = 0;
  /** The turn's packets back to back. Given away with the write: the socket may hold it. */
  #bytes = Buffer.allocUnsafe(LEAST_BYTES);
  #length = 0;

  constructor(
    private readonly protocol: 4 | 5,
    private readonly write: (bytes: Uint8Array) => void,
  ) {}

  get isAwaited(): boolean {
    return this.#unanswered.size > 0;
  }

  /** Gives the packet id. At most 65,535 may be unanswered; windows are far smaller. */
  publish({ topic, payload, retain }: MqttMessage): number {
    const id = this.#freeId();
    this.#unanswered.add(id);
    if (this.#length === 0) queueMicrotask(() => this.#flush());
    this.#put(this.#topicBytes(topic), id, payload, retain);
    return id;
  }

  /** False: nothing of that id was under way. */
  answered(id: number): boolean {
    return this.#unanswered.delete(id);
  }

  #flush(): void {
    const written = this.#bytes.subarray(0, this.#length);
    this.#bytes = Buffer.allocUnsafe(Math.min(MOST_BYTES, Math.max(LEAST_BYTES, this.#length)));
    this.#length = 0;
    this.write(written);
  }

  #freeId(): number {
    do this.#lastId = this.#lastId === MAX_PACKET_ID ? 1 : this.#lastId + 1;
    while (this.#unanswered.has(this.#lastId));
    return this.#lastId;
  }

  #put(topic: Buffer, id: number, payload: Uint8Array, retain: boolean): void {
    const variableBytes = 2 + topic.length + 2 + (this.protocol === 5 ? 1 : 0);
    this.#room(MAX_FIXED_BYTES + variableBytes + payload.length);
    const bytes = this.#bytes;
    let at = bytes.writeUInt8(PUBLISH_QOS1 | (retain ? RETAIN : 0), this.#length);
    let left = variableBytes + payload.length;
    for (; left >= 0x80; left = Math.floor(left / 0x80)) at = bytes.writeUInt8((left & 0x7f) | 0x80, at);
    at = bytes.writeUInt8(left, at);
    at = bytes.writeUInt16BE(topic.length, at);
    bytes.set(topic, at);
    at = bytes.writeUInt16BE(id, at + topic.length);
    // MQTT 5: no properties.
    if (this.protocol === 5) at = bytes.writeUInt8(0, at);
    bytes.set(payload, at);
    this.#length = at + payload.length;
  }

  #room(count: number): void {
    if (this.#length + count <= this.#bytes.length) return;
    const grown = Buffer.allocUnsafe(Math.max(this.#length + count, 2 * this.#bytes.length));
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
  }

  /** A node has few topics: streams are bounded. */
  #topicBytes(topic: string): Buffer {
    const known = this.#topics.get(topic);
    if (known) return known;
    const bytes = Buffer.from(topic);
    this.#topics.set(topic, bytes);
    return bytes;
  }
}
