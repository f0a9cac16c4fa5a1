import { randomBytes } from 'node:crypto';
import type { Database, Queries } from '../db/index.js';
import type { Group, Taken } from '../store/types.js';
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
import { RuleBook } from './rule-book.js';
import { escalate, type TickOptions, tickForecasts, tickTimed } from './tick.js';
import type { Message, Transport } from './transport.js';
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
  /** Alerts became others: for whoever shows them. */
  readonly onChange?: () => void;
  /** What went wrong and is tried again, in a line. */
  readonly onFault: (text: string) => void;
}

const TICK_MS = 10_000;
/** Of forecasts, and of what is forgotten. */
const FORECAST_MS = 15 * 60_000;

/** Rules, alerts, and who is told. The database has ALERT_MIGRATIONS; the default rules stand there after `start`. */
export class Alerts {
  readonly rules: RuleBook;
  readonly maintenance: Maintenances;
  readonly #outbox: Outbox;
  readonly #deliverer: Deliverer;
  readonly #judging: JudgeOptions;
  readonly #ticking: TickOptions;
  #timer: NodeJS.Timeout | undefined;
  #ticks: Promise<void> | undefined;
  #nextForecastMs = 0;
  #isChanged = false;

  constructor(private readonly options: AlertsOptions) {
    const { db, facts, histories, transports, defaultTell, nowMs, onFault } = options;
    this.rules = new RuleBook(db, onFault);
    this.maintenance = new Maintenances(db);
    this.#outbox = new Outbox(db);
    const changed = () => {
      this.#isChanged = true;
    };
    const tell = { defaultTell, newId: () => randomBytes(16).toString('hex'), changed };
    this.#judging = { rules: this.rules, facts, tell };
    this.#ticking = { db, rules: this.rules, facts, histories, tell };
    const render = (delivery: LeasedDelivery) => this.#messageOf(delivery);
    this.#deliverer = new Deliverer({ outbox: this.#outbox, transports, messageOf: render, nowMs, onFault });
  }

  /** For `Store.take`: judges in its transaction. Call `wake` once that is committed. */
  judge(tx: Queries, taken: readonly Taken[]): Promise<void> {
    return judge(tx, taken, this.options.nowMs(), this.#judging);
  }

  /** What was judged is committed: it is delivered and shown at once, not at the next poll. */
  wake(): void {
    if (!this.#isChanged) return;
    this.#isChanged = false;
    this.#deliverer.wake();
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
    const { db, onFault } = this.options;
    const dropped = await dropUnjudged(db, nowMs);
    if (dropped > 0) onFault(`alerts: ${dropped} blocks were never judged: their descriptors didn't come`);
    await forgetOld(db, nowMs);
  }

  /** Ticks and delivers until `stop`. */
  start(): void {
    this.#deliverer.start();
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
    await this.#deliverer.stop();
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
    return { ...listed, until, notAfterNs, deliveries: await deliveriesOf(db, id) };
  }

  /** Open ones a node. */
  async openByNode(): Promise<ReadonlyMap<string, number>> {
    const rows = await this.options.db.query<{ node: string; n: bigint }>(
      `SELECT node, count(*) AS n FROM alert WHERE state = 'open' GROUP BY node`,
    );
    return new Map(rows.map(({ node, n }) => [node, Number(n)]));
  }

  /** The group of `group:prod`, or of a node; undefined: nobody knows it. */
  async groupOf(scope: string): Promise<Group | undefined> {
    const [kind, name = ''] = [scope.slice(0, scope.indexOf(':')), scope.slice(scope.indexOf(':') + 1)];
    if (kind === 'group') return (['dev', 'stage', 'prod'] as const).find((group) => group === name);
    return (await this.options.facts.nodes(this.options.db, [name])).get(name)?.group;
  }

  /** Ends the escalation; and the alert, if it is a happening or `ends` says so. False: somebody else did, or there is none. */
  async acknowledge(
    id: bigint,
    by: { readonly name: string; readonly note: string; readonly ends?: boolean },
  ): Promise<boolean> {
    const [rule] = await this.rules.byId(this.options.db, [(await this.#alert(id))?.ruleId ?? -1n]);
    const ends = by.ends || rule?.spec.condition.kind === 'sos' || rule?.spec.condition.kind === 'shock';
    const now = BigInt(this.options.nowMs());
    const done = await this.options.db.query(
      `UPDATE alert SET acked_ms = $2, acked_by = $3, acked_note = $4, next_step_ms = NULL
       WHERE id = $1 AND acked_ms IS NULL RETURNING id`,
      [id, now, by.name.slice(0, 128), by.note.slice(0, 1_000).replaceAll('\0', '')],
    );
    if (ends)
      await this.options.db.query(
        `UPDATE alert SET state = 'closed', closed_ms = $2, closed_why = 'person', next_step_ms = NULL
         WHERE id = $1 AND state = 'open'`,
        [id, now],
      );
    this.#isChanged = true;
    this.wake();
    return done.length > 0;
  }

  /** A delivery that failed, from the first attempt on. */
  async retry(deliveryId: string): Promise<boolean> {
    const again = await this.#outbox.retry(deliveryId, this.options.nowMs());
    this.#deliverer.wake();
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
    return messageOf(delivery, { alert, rule, node, ...(await this.#times(alert)), baseUrl });
  }
}
