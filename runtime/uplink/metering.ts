import type { LogClass } from '../../wire/index.js';
import type { LinkClass } from '../config/types.js';
import type { Store } from '../store/types.js';
import { type BudgetFile, Budgets } from './budgets.js';
import type { Interfaces } from './link-class.js';
import { Meter, wireBytes } from './meter.js';
import type { MqttConnect } from './mqtt-port.js';
import type { Say } from './say.js';
import type { LaneKind } from './share.js';
import { Thinner, type ThinnerOptions } from './thinner.js';
import type { BudgetStatus } from './types.js';

/** The share of a day's bytes that a class leaves to those before it. Alarms pass whatever is left. */
const LEAVES: Readonly<Record<LogClass, number>> = {
  alarm: Number.NEGATIVE_INFINITY,
  meta: 0,
  event: 0,
  telemetry: 0.2,
  bulk: 0.3,
  log: 0.4,
};
const LIVE_LEAVES = 0.1;

const DAY_MS = 86_400_000;

export interface MeteringOptions extends Pick<ThinnerOptions, 'isUnderWay' | 'onThinned'> {
  readonly links: readonly LinkClass[];
  readonly store: Store;
  readonly nowNs: () => bigint;
  readonly interfaces: Interfaces;
  readonly file?: BudgetFile | undefined;
  readonly say: Say;
}

/** Budgets of bytes by link class: what is used, who may still send, and what is given up. */
export class Metering {
  readonly #budgets: Budgets;
  readonly #meter: Meter;
  readonly #thinner: Thinner;
  #isThinning = false;

  constructor(private readonly options: MeteringOptions) {
    this.#budgets = new Budgets(options);
    this.#meter = new Meter({ ...options, budgets: this.#budgets });
    this.#thinner = new Thinner(options);
  }

  metered(connect: MqttConnect): MqttConnect {
    return this.#meter.metered(connect);
  }

  affords(logClass: LogClass, kind: LaneKind): boolean {
    this.#meter.count();
    const leaves = LEAVES[logClass];
    return this.#budgets.hasLeft(kind === 'live' ? Math.min(leaves, LIVE_LEAVES) : leaves);
  }

  /** How far apart messages of so many bytes are that take this share of the day's bytes, ms; 0 where a link is free. */
  apartMs(bytes: number, share: number): number {
    const link = this.#budgets.current;
    return link ? (DAY_MS * wireBytes(bytes)) / (share * link.budgetBytesPerDay) : 0;
  }

  status(): readonly BudgetStatus[] {
    this.#meter.count();
    return this.#budgets.status();
  }

  /** Every few seconds while there is a link. */
  async tick(): Promise<void> {
    this.#meter.count();
    const thin = this.#budgets.current?.thin ?? [];
    if (this.#isThinning) return;
    this.#isThinning = true;
    try {
      for (const logClass of thin) {
        if (this.affords(logClass, 'backlog')) this.#thinner.rest(logClass);
        else await this.#thinner.thin(logClass);
      }
    } catch (error) {
      this.options.say('thin', 'warn', `uplink: nothing could be thinned, the store can't be read: ${error}`);
    } finally {
      this.#isThinning = false;
    }
  }
}
