import type { KeyObject } from 'node:crypto';
import type { NodeId } from '../../wire/index.js';
import type { RuntimeClock, Timer } from '../clock/types.js';
import type { UplinkConfig } from '../config/types.js';
import type { Store } from '../store/types.js';
import type { BudgetFile } from './budgets.js';
import { Custody } from './custody.js';
import { failure } from './failure.js';
import { HealthNews } from './health-news.js';
import { Link } from './link.js';
import type { Interfaces } from './link-class.js';
import { Metering } from './metering.js';
import type { MqttConnect, MqttLink, MqttMessage, ServerLimits } from './mqtt-port.js';
import { Notices, type Unkept } from './notices.js';
import { onceAMinute, type Say } from './say.js';
import { Sender } from './sender.js';
import { statusMessage } from './status-message.js';
import type { ReceivedBlock, StatusHealth, Uplink, UplinkLog, UplinkStatus } from './types.js';

export { budgetFile } from './budget-file.js';
export type { BudgetFile } from './budgets.js';
export type { LinkFailureKind } from './failure.js';
export { mqttJs } from './mqtt-js.js';
export type * from './mqtt-port.js';
export type { Unkept } from './notices.js';
export {
  type ProbeCost,
  type ProbeFailureKind,
  type ProbePorts,
  type ProbeResult,
  type ProbeStep,
  probeLink,
  probePortsHere,
} from './probe/index.js';
export type * from './types.js';

/** MQTT's own measure of a dead link (§3.1.2.10). */
const DEAD_AFTER_KEEP_ALIVES = 1.5;
/** Gaps that nobody was told of, and a budget's growth: so soon where there may be some, … */
const TICK_MS = 10_000;
/** … and so seldom where nothing says so: a node at rest is not woken for nothing. */
const REST_TICK_MS = 300_000;
const STOP_POLL_MS = 20;
/** A status that says how the node is, at most (docs/wire-format.md §6), and what part of a day's bytes is for them where nothing changes. */
const HEALTH_STATUS_BYTES = 1_400;
const HEALTH_SHARE = 0.05;

export interface UplinkOptions {
  readonly config: UplinkConfig;
  /** Also the MQTT client id. */
  readonly node: NodeId;
  readonly store: Store;
  readonly clock: RuntimeClock;
  /** `mqttJs(config, clock)`, or a test's. */
  readonly connect: MqttConnect;
  /** Uniform in [0, 1). */
  readonly random: () => number;
  readonly log: UplinkLog;
  /** The public halves of `config.fleet`'s keys: whose receipts are believed. */
  readonly fleetKeys?: readonly KeyObject[];
  /** `os.networkInterfaces`, for `config.links`: which link a connection goes by. */
  readonly interfaces?: Interfaces;
  /** Where what was used of the budgets of `config.links` is kept; without it a start begins a fresh day. */
  readonly budgetFile?: BudgetFile;
  /** The runtime's version, for the birth message. */
  readonly software: string;
  /** How the node is, for its status; without it the status doesn't say. */
  readonly health?: () => Promise<StatusHealth>;
}

/**
 * Sends the store's blocks to a broker and tells the store what became of them. Custody `broker`: a PUBACK of success is the receipt, and
 * nothing else frees a block but a refusal for good. MQTT 3.1.1 shows no reasons: there, every PUBACK is one of success. Custody `fleet`
 * (`config.fleet`): only the fleet's signed receipt frees it.
 */
export function createUplink(options: UplinkOptions): Uplink {
  return new MqttUplink(options);
}

/** An unanswered publish tells of a dead link no later than silence would. */
function deadlineMs({ pubackDeadlineMs, keepAliveS }: UplinkConfig): number {
  return Math.min(pubackDeadlineMs, DEAD_AFTER_KEEP_ALIVES * keepAliveS * 1000);
}

class MqttUplink implements Uplink {
  readonly #say: Say;
  readonly #custody: Custody | undefined;
  readonly #notices: Notices;
  readonly #healthNews: HealthNews | undefined;
  readonly #sender: Sender;
  readonly #link: Link;
  readonly #metering: Metering | undefined;
  #tickTimer: Timer | undefined;
  /** A commit may have brought gaps. */
  #isTickSoon = false;
  #subscriptionTimer: Timer | undefined;
  #unsubscribe: (() => void) | undefined;
  #publishingGaps = false;
  readonly #listeners = new Set<(blocks: readonly ReceivedBlock[]) => void>();

  constructor(private readonly options: UplinkOptions) {
    const { config, clock, random, log, store } = options;
    const backoff = { backoffMinMs: config.backoffMinMs, backoffMaxMs: config.backoffMaxMs };
    this.#say = onceAMinute(clock, log);
    this.#custody = this.#custodyOf(options);
    this.#metering = this.#meteringOf(options);
    this.#notices = new Notices(options.node, () => clock.nowNs());
    this.#healthNews = this.#healthNewsOf(options);
    this.#sender = new Sender({
      ...{ notices: this.#notices, healthNews: this.#healthNews },
      healthMessage: (health) => this.#status('online', health),
      ...{ store, clock, random, say: this.#say, custody: this.#custody, ...backoff },
      nowNs: () => clock.nowNs(),
      payloads: config.payloads,
      window: config.window,
      backlog: config.backlog ?? 'oldest',
      affords: this.#metering && ((logClass, kind) => this.#metering!.affords(logClass, kind)),
      pubackDeadlineMs: deadlineMs(config),
      onDeadline: (waitedMs) => this.#onDeadline(waitedMs),
      onTaken: () => this.#link.proved(),
      onReceived: (blocks) => {
        for (const listener of this.#listeners) listener(blocks);
      },
    });
    const subscribe = this.#custody ? [this.#custody.topic] : [];
    const status = (): MqttMessage => this.#status('offline');
    const session = {
      clientId: options.node,
      // With each connect: the epoch isn't known before the store is open.
      get will() {
        return status();
      },
      subscribe,
    };
    this.#link = new Link(
      {
        ...{ clock, random, log, session, ...backoff },
        connect: this.#metering?.metered(options.connect) ?? options.connect,
        protocol: config.protocol,
      },
      {
        online: (link, server) => this.#onOnline(link, server),
        answered: (id, reasonCode) => this.#sender.answered(id, reasonCode),
        strayAnswer: () => this.#sender.strayAnswer(),
        message: (topic, payload) => this.#onMessage(topic, payload),
        offline: () => this.#onOffline(),
      },
    );
  }

  #meteringOf({ config, store, clock, interfaces, budgetFile }: UplinkOptions): Metering | undefined {
    const { links = [] } = config;
    if (links.length === 0) return undefined;
    return new Metering({
      ...{ links, store, interfaces: interfaces ?? (() => ({})), file: budgetFile, say: this.#say },
      nowNs: () => clock.nowNs(),
      isUnderWay: (block) => this.#sender.isUnderWay(block),
      onThinned: (logClass) => this.#sender.rewind(logClass),
    });
  }

  #healthNewsOf({ clock, health }: UplinkOptions): HealthNews | undefined {
    if (!health) return undefined;
    return new HealthNews({
      ...{ clock, health, say: this.#say },
      affords: () => this.#metering?.affords('log', 'backlog') ?? true,
      apartMs: () => this.#metering?.apartMs(HEALTH_STATUS_BYTES, HEALTH_SHARE) ?? 0,
      onDue: () => this.#sender.pump(),
    });
  }

  #custodyOf({ config, node, fleetKeys = [], store, clock, random }: UplinkOptions): Custody | undefined {
    if (!config.fleet) return undefined;
    return new Custody({
      ...{ node, keys: fleetKeys, store, clock, random, say: this.#say },
      receiptDeadlineMs: config.fleet.receiptDeadlineMs,
      affords: (logClass) => this.#metering?.affords(logClass, 'backlog') ?? true,
      onFreed: (blocks) => this.#sender.freed(blocks),
      onDue: () => this.#sender.pump(),
    });
  }

  start(): void {
    this.#unsubscribe = this.options.store.onCommit((commit) => {
      if (commit.rows > 0 && commit.classes.includes('alarm')) this.#notices.committed();
      this.#sender.committed(commit);
      if (this.#tickTimer && !this.#isTickSoon) this.#tickIn(TICK_MS);
      if (commit.rows > 0 && commit.classes.includes('alarm')) this.#link.urgent();
    });
    this.#link.start();
  }

  nudge(): void {
    this.#sender.pump();
  }

  notice(unkept: Unkept): void {
    this.#say(
      'notice',
      'error',
      `uplink: the disk doesn't take an alarm of ${unkept.rows.stream}: it is told without a number`,
    );
    this.#notices.add(unkept);
    this.#link.urgent();
    this.#sender.pump();
  }

  renew(why: string): void {
    this.#link.fail(failure('closed', why));
  }

  status(): UplinkStatus {
    const { window, receipts, refusals, rejected, bytesSent, lastReceiptNs } = this.#sender;
    return {
      link: this.#link.state,
      trouble: this.#link.trouble,
      custody: this.#custody ? 'fleet' : 'broker',
      inFlight: window.used,
      window: window.size,
      receipts,
      waiting: this.#custody?.waiting ?? 0,
      resends: this.#custody?.resends ?? 0,
      badReceipts: { ...this.#custody?.bad },
      refusals: { ...refusals },
      rejected,
      connects: this.#link.connects,
      bytesSent,
      budgets: this.#metering?.status() ?? [],
      lastReceiptNs,
    };
  }

  onReceived(listener: (blocks: readonly ReceivedBlock[]) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  async stop(graceMs: number): Promise<void> {
    this.#unsubscribe?.();
    this.#cancelTimers();
    this.#healthNews?.offline();
    if (this.#link.state.state === 'online') {
      this.#sender.finish(this.#status('stopped'));
      await this.#drained(graceMs);
    }
    await this.#link.stop();
  }

  async #drained(graceMs: number): Promise<void> {
    const { clock } = this.options;
    const untilNs = clock.nowNs() + BigInt(graceMs) * 1_000_000n;
    while (!this.#sender.isIdle && clock.nowNs() < untilNs) await clock.delay(STOP_POLL_MS);
  }

  #status(state: Parameters<typeof statusMessage>[0], health?: StatusHealth) {
    const { store, software, config } = this.options;
    return statusMessage(state, store, software, config.fleet ? 'fleet' : 'broker', config.payloads, health);
  }

  #onOnline(link: MqttLink, server: ServerLimits): void {
    this.#sender.online(link, server, this.#status('online'));
    this.#healthNews?.online();
    this.#tick();
    const { subscriptionRefusedWith } = server;
    if (subscriptionRefusedWith !== undefined) this.#withoutReceipts(subscriptionRefusedWith);
  }

  #onOffline(): void {
    this.#cancelTimers();
    this.#healthNews?.offline();
    this.#sender.offline();
  }

  #cancelTimers(): void {
    this.#tickTimer?.cancel();
    this.#tickTimer = undefined;
    this.#subscriptionTimer?.cancel();
  }

  /** What is urgent leaves all the same, nothing is freed, and after a while a new connection asks again. */
  #withoutReceipts(reasonCode: number): void {
    const { backoffMaxMs } = this.options.config;
    const why = `the broker refuses ${this.#custody?.topic} with 0x${reasonCode.toString(16)}: may this node read it?`;
    this.#custody?.refusedTopic(why);
    this.#subscriptionTimer = this.options.clock.after(backoffMaxMs, () =>
      this.#link.fail(failure('subscription', why)),
    );
  }

  #onMessage(topic: string, payload: Uint8Array): void {
    if (this.#link.state.state === 'online') this.#custody?.receipt(topic, payload);
  }

  #onDeadline(waitedMs: number): void {
    const seconds = (waitedMs / 1000).toFixed(1);
    this.#link.fail(failure('deadline', `a publish has no answer after ${seconds} s: the link is dead`));
  }

  /** While there is a link, on each connect and then at leisure. */
  #tick(): void {
    const isIdle = !this.#metering && this.options.store.openGaps().length === 0;
    this.#tickIn(isIdle ? REST_TICK_MS : TICK_MS);
    this.#gaps();
    if (!this.#metering) return;
    void this.#metering.tick();
    // A budget has grown meanwhile.
    this.#sender.pump();
  }

  #tickIn(ms: number): void {
    this.#tickTimer?.cancel();
    this.#isTickSoon = ms === TICK_MS;
    this.#tickTimer = this.options.clock.after(ms, () => this.#tick());
  }

  #gaps(): void {
    if (this.#publishingGaps || this.options.store.openGaps().length === 0) return;
    this.#publishingGaps = true;
    this.options.store
      .publishGaps()
      .catch((error: Error) =>
        this.options.log('warn', `uplink: gaps wait, the store can't write: ${error.message}`),
      )
      .finally(() => {
        this.#publishingGaps = false;
      });
  }
}
