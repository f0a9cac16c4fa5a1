import type { RuntimeClock, Timer } from '../clock/types.js';
import { Backoff } from './backoff.js';
import { FOR_A_PERSON, failure, type LinkFailure } from './failure.js';
import type { MqttConnect, MqttConnectOptions, MqttLink, ServerLimits } from './mqtt-port.js';
import { Rival } from './rival.js';
import type { LinkState, LinkTrouble, UplinkLog } from './types.js';

/** From CONNECT to CONNACK, name lookup and TLS included. */
const CONNECT_TIMEOUT_MS = 30_000;
/** A link that lived so long was a good one. */
const GOOD_LIFE_NS = 30_000_000_000n;
/** So often, at the most, something urgent cuts a wait short. */
const URGENT_EVERY_NS = 60_000_000_000n;

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
  connects = 0;
  /** Why it is not there, or not worth its name, since the broker last took something. */
  trouble: LinkTrouble | undefined;
  #urgentNs: bigint | undefined;
  readonly #backoff: Backoff;
  readonly #rival: Rival;

  constructor(
    private readonly options: LinkOptions,
    private readonly events: LinkEvents,
  ) {
    this.#protocol = options.protocol === '3.1.1' ? 4 : 5;
    this.#backoff = new Backoff(options.backoffMinMs, options.backoffMaxMs, options.random);
    this.#rival = new Rival(options.backoffMaxMs);
    this.#state = { state: 'connecting', since: options.clock.nowNs() };
  }

  get state(): LinkState {
    return this.#state;
  }

  /** Something was taken at the other end: the link is worth its name. */
  proved(): void {
    this.trouble = undefined;
    this.#backoff.reset();
  }

  start(): void {
    this.#try();
  }

  /**
   * There is something that must not wait out a long back-off: waits begin anew, as after a first failure. Once a minute, so that alarms
   * without an end keep neither a radio busy nor two nodes with one id at each other's throats.
   */
  urgent(): void {
    const nowNs = this.options.clock.nowNs();
    const isTooSoon = this.#urgentNs !== undefined && nowNs - this.#urgentNs < URGENT_EVERY_NS;
    if (this.#stopped || this.#state.state !== 'waiting' || isTooSoon) return;
    this.#urgentNs = nowNs;
    this.#backoff.reset();
    const waitedMs = Number((nowNs - this.#state.since) / 1_000_000n);
    const soonMs = this.#backoff.nextMs();
    if (waitedMs + soonMs >= this.#state.retryInMs) return;
    this.#timer?.cancel();
    this.#state = { ...this.#state, retryInMs: waitedMs + soonMs };
    this.#timer = this.options.clock.after(soonMs, () => this.#try());
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
    const judged = lived === undefined ? why : this.#judge(why, lived);
    if (this.#stopped) this.#state = { state: 'disabled' };
    else this.#wait(judged, lived !== undefined);
    if (lived !== undefined) this.events.offline();
  }

  #judge(why: LinkFailure, livedNs: bigint): LinkFailure {
    // A broker that takes connections and answers nothing is no good, however long it was given.
    if (livedNs >= GOOD_LIFE_NS && why.kind !== 'deadline') this.#backoff.reset();
    return this.#rival.judge(why, livedNs);
  }

  #wait(why: LinkFailure, wasOnline: boolean): void {
    const retryInMs = this.#delayMs(why, wasOnline);
    const reason = `${why.kind}: ${why.text}`;
    const { sinceNs = this.options.clock.nowNs(), failures = 0 } = this.trouble ?? {};
    this.trouble = { ...why, sinceNs, failures: failures + 1 };
    this.#state = { state: 'waiting', since: this.options.clock.nowNs(), retryInMs, reason };
    const level = FOR_A_PERSON.has(why.kind) ? 'error' : 'warn';
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
