import { randomBytes } from 'node:crypto';
import type { Database, Queries, Within } from '../db/index.js';
import { GROUPS } from '../people/index.js';
import type { Group, Taken } from '../store/types.js';
import { acknowledge, tellNextNow } from './by-hand.js';
import { Deliverer } from './deliverer.js';
import { type JudgeOptions, judge, judgeLate } from './judge.js';
import {
  type AlertDetail,
  type AlertQuery,
  deliveriesOf,
  described,
  type ListedAlert,
  listAlerts,
} from './list.js';
import { Maintenances } from './maintenance.js';
import { messageOf } from './message.js';
import { forgetOld, type LeasedDelivery, Outbox } from './outbox.js';
import { alertOf } from './rows.js';
import { isHappening, type Severity } from './rule.js';
import { RuleBook } from './rule-book.js';
import { tellOthers } from './tell.js';
import { escalate, type TickOptions, tickForecasts, tickTimed } from './tick.js';
import { type Message, SCHEMES, type Transport } from './transport.js';
import type { Alert, Facts, Histories } from './types.js';
import { dropUnjudged } from './unjudged.js';

export interface AlertsOptions {
  readonly db: Database;
  readonly facts: Facts;
  readonly histories: Histories;
  readonly transports: readonly Transport[];
  /** Whom to tell where a rule doesn't say: `mail:ops@example.org`. */
  readonly defaultTell: readonly string[];
  /** Of the web, for links: `https://fleet.example.org`. */
  readonly baseUrl: string;
  readonly nowMs: () => number;
  /** Of this process, the same at each start: hex digits. */
  readonly holder: string;
  /** Whether what nodes send comes to the store now: while it doesn't, nobody is silent. Left out: always. */
  readonly isHearing?: () => boolean;
  /** Alerts became others: for whoever shows them. */
  readonly onChange?: () => void;
  /** What went wrong and is tried again, in a line. */
  readonly onFault: (text: string) => void;
}

export interface OpenCount {
  readonly severity: Severity;
  readonly open: number;
  readonly waiting: number;
}

const SEVERITIES: readonly Severity[] = ['critical', 'warning', 'info'];
const TICK_MS = 10_000;
/** Of forecasts, and of what is forgotten. */
const FORECAST_MS = 15 * 60_000;

/** Rules, alerts, and who is told. The database has ALERT_MIGRATIONS; the default rules stand there after `start`. */
export class Alerts {
  readonly rules: RuleBook;
  readonly maintenance: Maintenances;
  readonly #outbox: Outbox;
  readonly #deliverers: readonly Deliverer[];
  readonly #judging: JudgeOptions;
  readonly #ticking: TickOptions;
  #timer: NodeJS.Timeout | undefined;
  #ticks: Promise<void> | undefined;
  #nextForecastMs = 0;
  #isChanged = false;

  constructor(private readonly options: AlertsOptions) {
    const { db, facts, histories, transports, defaultTell, nowMs, isHearing = () => true, onFault } = options;
    this.rules = new RuleBook(db, onFault);
    this.maintenance = new Maintenances(db);
    const changed = () => {
      this.#isChanged = true;
    };
    const tell = { defaultTell, newId: () => randomBytes(16).toString('hex'), changed };
    this.#judging = { rules: this.rules, facts, tell };
    this.#ticking = { db, rules: this.rules, facts, histories, tell, isHearing };
    const outbox = new Outbox(db, options.holder, (tx, delivery, atMs) =>
      tellOthers(tx, delivery, atMs, tell),
    );
    this.#outbox = outbox;
    const messageOf = (delivery: LeasedDelivery) => this.#messageOf(delivery);
    this.#deliverers = SCHEMES.map((scheme) => {
      const transport = transports.find((one) => one.scheme === scheme);
      return new Deliverer({ outbox, scheme, transport, messageOf, nowMs, onFault });
    });
  }

  /** For `Store.take`: judges in its transaction. Call `wake` once that is committed. */
  judge(tx: Queries, taken: readonly Taken[]): Promise<void> {
    return judge(tx, taken, this.options.nowMs(), this.#judging);
  }

  /** What was judged is committed: it is delivered and shown at once, not at the next poll. */
  wake(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    for (const deliverer of this.#deliverers) deliverer.wake();
    this.options.onChange?.();
  }

  /** Silence, rest, forecasts, escalation, rows whose descriptor came late; in any number of processes. */
  async tick(): Promise<void> {
    const nowMs = this.options.nowMs();
    await this.options.db.transaction((tx) => judgeLate(tx, nowMs, this.#judging));
    await tickTimed(nowMs, this.#ticking);
    if (nowMs >= this.#nextForecastMs) {
      await tickForecasts(nowMs, this.#ticking);
      await this.#forget(nowMs);
      this.#nextForecastMs = nowMs + FORECAST_MS;
    }
    await escalate(nowMs, this.#ticking);
    this.wake();
  }

  async #forget(nowMs: number): Promise<void> {
    const { db, facts, onFault } = this.options;
    const dropped = await dropUnjudged(db, nowMs);
    if (dropped > 0) onFault(`alerts: ${dropped} blocks were never judged: their descriptors didn't come`);
    await forgetOld(db, await facts.believedMs(db, nowMs));
  }

  /** Ticks and delivers until `stop`. */
  start(): void {
    for (const deliverer of this.#deliverers) deliverer.start();
    this.#timer ??= setInterval(() => this.#tickOnce(), TICK_MS);
  }

  #tickOnce(): void {
    this.#ticks ??= this.tick()
      .catch((error: Error) => this.options.onFault(`alerts: ${error.message}`))
      .finally(() => {
        this.#ticks = undefined;
      });
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer);
    this.#timer = undefined;
    await this.#ticks;
    await Promise.all(this.#deliverers.map((deliverer) => deliverer.stop()));
  }

  async list(query: AlertQuery): Promise<readonly ListedAlert[]> {
    const { db, facts } = this.options;
    return described(db, await listAlerts(db, query), { rules: this.rules, facts });
  }

  async get(id: bigint): Promise<AlertDetail | undefined> {
    const { db, facts } = this.options;
    const alert = await this.#alert(id);
    const [listed] = alert ? await described(db, [alert], { rules: this.rules, facts }) : [];
    if (!listed) return undefined;
    const { until, notAfterNs } = await this.#times(listed);
    const position = (await facts.nodes(db, [listed.node])).get(listed.node)?.position;
    return { ...listed, until, notAfterNs, position, deliveries: await deliveriesOf(db, id) };
  }

  /** Open ones a node. */
  async openByNode(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.options.db.query<{ node: string; n: bigint }>(
      `SELECT node, count(*) AS n FROM alert WHERE state = 'open' GROUP BY node`,
    );
    return new Map(rows.map(({ node, n }) => [node, Number(n)]));
  }

  /** Whom a rule tells that names nobody. */
  get defaultTell(): readonly string[] {
    return this.options.defaultTell;
  }

  /** Whether there is a way to whom a rule names. */
  reaches(target: string): boolean {
    return this.options.transports.some(({ scheme }) => target.startsWith(`${scheme}:`));
  }

  /** Open ones of these groups, the worst first, and how many of them nobody acknowledged. */
  async openBySeverity(groups: readonly Group[]): Promise<readonly OpenCount[]> {
    const rows = await this.options.db.query<{ severity: Severity; n: bigint; waiting: bigint }>(
      `SELECT severity, count(*) AS n, sum(CASE WHEN acked_ms IS NULL THEN 1 ELSE 0 END) AS waiting FROM alert
       WHERE state = 'open' AND node_group IN (${groups.map((_, i) => `$${i + 1}`).join(', ') || 'NULL'}) GROUP BY severity`,
      groups,
    );
    const counts = rows.map(({ severity, n, waiting }) => ({
      ...{ severity, open: Number(n), waiting: Number(waiting) },
    }));
    return SEVERITIES.flatMap((severity) => counts.filter((one) => one.severity === severity));
  }

  /** The group of `group:prod`, or of a node; undefined: nobody knows it. */
  async groupOf(scope: string): Promise<Group | undefined> {
    return (await this.groupsOf([scope])).get(scope);
  }

  /** By scope. */
  async groupsOf(scopes: readonly string[]): Promise<ReadonlyMap<string, Group | undefined>> {
    const { facts, db } = this.options;
    const nameOf = (scope: string) => scope.slice(scope.indexOf(':') + 1);
    const nodes = await facts.nodes(db, scopes.map(nameOf));
    const groupOf = (scope: string) =>
      scope.startsWith('group:')
        ? GROUPS.find((group) => group === nameOf(scope))
        : nodes.get(nameOf(scope))?.group;
    return new Map(scopes.map((scope) => [scope, groupOf(scope)]));
  }

  /**
   * Ends the escalation; and the alert, if it is a happening or `ends` says so. False: somebody else did, or there is none; the note then joins theirs.
   * `within` runs in the same transaction, where anything was done. Throws RangeError where notes have no more room.
   */
  async acknowledge(
    id: bigint,
    by: { readonly name: string; readonly note: string; readonly ends?: boolean },
    within?: Within,
  ): Promise<boolean> {
    const [rule] = await this.rules.byId(this.options.db, [(await this.#alert(id))?.ruleId ?? -1n]);
    const ends = by.ends || (rule && isHappening(rule.spec));
    const nowMs = this.options.nowMs();
    const isFirst = await this.options.db.transaction((tx) =>
      acknowledge(tx, id, { ...by, ends: ends === true, nowMs }, within),
    );
    this.#isChanged = true;
    this.wake();
    return isFirst;
  }

  /** The next step of the escalation, now. False: there is none, or it isn't needed any more. */
  async escalate(id: bigint, within?: Within): Promise<boolean> {
    const now = this.options.nowMs();
    const isDue = await this.options.db.transaction((tx) => tellNextNow(tx, id, now, within));
    await escalate(now, this.#ticking);
    this.wake();
    return isDue;
  }

  /** A delivery that failed, from the first attempt on. */
  async retry(deliveryId: string, within?: Within): Promise<boolean> {
    const again = await this.#outbox.retry(deliveryId, this.options.nowMs(), within);
    for (const deliverer of this.#deliverers) deliverer.wake();
    return again;
  }

  async #alert(id: bigint): Promise<Alert | undefined> {
    const [row] = await this.options.db.query('SELECT * FROM alert WHERE id = $1', [id]);
    return row && alertOf(row);
  }

  async #times({ streamId, firstSequence, lastSequence }: Alert) {
    if (streamId === undefined || firstSequence === undefined)
      return { from: undefined, until: undefined, notAfterNs: undefined };
    const { db, facts } = this.options;
    const last = lastSequence ?? firstSequence;
    const times = await facts.times(db, streamId, [firstSequence, last]);
    const from = times.get(firstSequence);
    const notAfterNs = from ? undefined : await facts.notAfter(db, streamId, firstSequence);
    return { from, until: times.get(last), notAfterNs };
  }

  async #messageOf(delivery: LeasedDelivery): Promise<Omit<Message, 'to'>> {
    const { db, facts, baseUrl } = this.options;
    const alert = await this.#alert(delivery.alertId);
    const [rule] = await this.rules.byId(db, [alert?.ruleId ?? -1n]);
    if (!alert || !rule) throw new Error(`the alert of delivery ${delivery.id} is gone`);
    const node = (await facts.nodes(db, [alert.node])).get(alert.node);
    const told = delivery.reason === 'undelivered' ? await deliveriesOf(db, alert.id) : [];
    const failed = told.filter(({ state }) => state === 'failed');
    return messageOf(delivery, { alert, rule, node, failed, ...(await this.#times(alert)), baseUrl });
  }
}
