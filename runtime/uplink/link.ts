import type { RuntimeClock, Timer } from '../clock/types.js';
import { Backoff } from './backoff.js';
import { failure, type LinkFailure } from './failure.js';
import type { MqttConnect, MqttConnectOptions, MqttLink, ServerLimits } from './mqtt-port.js';
import type { LinkState, UplinkLog } from './types.js';

/** From CONNECT to CONNACK, name lookup and TLS included. */
const CONNECT_TIMEOUT_MS = 30_000;
/** A link that lived so long was a good one. */
const GOOD_LIFE_NS = 30_000_000_000n;
/**
 * Not every broker says "session taken over" (mosquitto 2.0.11 doesn't, and 3.1.1 has no word for it): links that are closed in order so
 * soon, so often in a row, look like it. A bad radio link ends otherwise: reset, or by the deadline.
 */
const SHORT_LIFE_NS = 10_000_000_000n;
const SHORT_LIVES = 3;

export interface LinkOptions {
  readonly clock: RuntimeClock;
  readonly random: () => number;
  readonly connect: MqttConnect;
  readonly protocol: 'auto' | '5' | '3.1.1';
  readonly session: Omit<MqttConnectOptions, 'protocol'>;
  readonly backoffMinMs: number;
  readonly backoffMaxMs: number;
  readonly log: UplinkLog;
}

export interface LinkEvents {
  online(link: MqttLink, server: ServerLimits): void;
  answered(id: number, reasonCode: number): void;
  strayAnswer(): void;
  message(topic: string, payload: Uint8Array): void;
  /** After an `online`, once. */
  offline(): void;
}

/** Keeps one connection up: tries, waits, tries again. */
export class Link {
  #state: LinkState;
  #link: MqttLink | undefined;
  #timer: Timer | undefined;
  #protocol: 4 | 5;
  #stopped = false;
  #shortLives = 0;
  /** Somebody else comes with our client id. */
  #rival = false;
  connects = 0;
  readonly #backoff: Backoff;

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {
    this.#protocol = options.protocol === '3.1.1' ? 4 : 5;
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs, options.random);
    this.#state = { state: 'connecting', since: options.clock.nowNs() };
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Something was taken at the other end: the link is worth its name. */
  proved(): void {
    this.#backoff.reset();
  }

  start(): void {
    this.#try();
  }

  fail(why: LinkFailure): void {
    this.#link?.destroy(why);
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    this.#timer?.cancel();
    await this.#link?.end();
  }

  #try(): void {
    if (this.#stopped) return;
    this.#state = { state: 'connecting', since: this.options.clock.nowNs() };
    const link = this.options.connect(
      { ...this.options.session, protocol: this.#protocol },
      {
        connected: (server) => this.#onConnected(link, server),
        answered: (id, reasonCode) => this.events.answered(id, reasonCode),
        strayAnswer: () => this.events.strayAnswer(),
        message: (topic, payload) => this.events.message(topic, payload),
        down: (why) => this.#onDown(why),
      },
    );
    this.#link = link;
    this.#timer = this.options.clock.after(CONNECT_TIMEOUT_MS, () => {
      link.destroy(failure('timeout', `no answer to CONNECT within ${CONNECT_TIMEOUT_MS / 1000} s`));
    });
  }

  #onConnected(link: MqttLink, server: ServerLimits): void {
    this.#timer?.cancel();
    this.connects++;
    this.#state = { state: 'online', since: this.options.clock.nowNs(), protocol: this.#protocol };
    this.options.log('info', `uplink: online, MQTT ${this.#protocol === 5 ? '5' : '3.1.1'}`);
    this.events.online(link, server);
  }

  #onDown(why: LinkFailure): void {
    this.#timer?.cancel();
    const before = this.#state;
    this.#link = undefined;
    const lived = before.state === 'online' ? this.options.clock.nowNs() - before.since : undefined;
    const judged = this.#judge(why, lived);
    if (this.#stopped) this.#state = { state: 'disabled' };
    else this.#wait(judged, lived !== undefined);
    if (lived !== undefined) this.events.offline();
  }

  /** Sees what one failure alone doesn't show. */
  #judge(why: LinkFailure, livedNs: bigint | undefined): LinkFailure {
    if (livedNs === undefined) return why;
    // A broker that takes connections and answers nothing is no good, however long it was given.
    if (livedNs >= GOOD_LIFE_NS && why.kind !== 'deadline') this.#backoff.reset();
    if (why.kind === 'takenOver') this.#rival = true;
    // The rival waits as long as we do: who was alone for longer has none.
    else if (livedNs > 2n * BigInt(this.options.backoffMaxMs) * 1_000_000n) this.#rival = false;
    const short = why.kind === 'closed' && livedNs < SHORT_LIFE_NS;
    this.#shortLives = short ? this.#shortLives + 1 : 0;
    if (this.#shortLives >= SHORT_LIVES) this.#rival = true;
    if (why.kind !== 'closed' || !this.#rival) return why;
    return failure(
      'takenOver',
      'the broker closes the connection as it does when another one takes its place',
    );
  }

  #wait(why: LinkFailure, wasOnline: boolean): void {
    const retryInMs = this.#delayMs(why, wasOnline);
    const reason = `${why.kind}: ${why.text}`;
    this.#state = { state: 'waiting', since: this.options.clock.nowNs(), retryInMs, reason };
    const level = why.kind === 'takenOver' ? 'error' : 'warn';
    this.options.log(level, `uplink: ${reason}; next try in ${(retryInMs / 1000).toFixed(1)} s`);
    this.#timer = this.options.clock.after(retryInMs, () => this.#try());
  }

  #delayMs(why: LinkFailure, wasOnline: boolean): number {
    // Two nodes that fight for one id would each throw the other out for ever.
    if (why.kind === 'takenOver') return this.#backoff.longMs();
    if (this.options.protocol === 'auto' && this.#switchProtocol(why, wasOnline)) return 0;
    return this.#backoff.nextMs();
  }

  /** True: try the other version at once. A broker that only knows 3.1.1 says so, or just closes. */
  #switchProtocol(why: LinkFailure, wasOnline: boolean): boolean {
    if (wasOnline) return false;
    const refused = why.kind === 'version' && this.#protocol === 5;
    const silent = why.kind === 'closed' || why.kind === 'reset';
    this.#protocol = refused || (silent && this.#protocol === 5) ? 4 : 5;
    return refused;
  }
}
