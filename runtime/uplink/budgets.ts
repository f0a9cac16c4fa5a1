import type { LinkClass } from '../config/types.js';
import type { Say } from './say.js';
import type { BudgetStatus } from './types.js';

const DAY_NS = 86_400_000_000_000n;
/** The file follows in steps of this share of a day's budget: some 100 small writes a day at most. */
const STEP = 1 / 50;

/** Where what is left of the budgets outlives the process. */
export interface BudgetFile {
  /** `undefined`: there is none yet. */
  read(): string | undefined;
  write(text: string): Promise<void>;
}

export interface BudgetsOptions {
  readonly links: readonly LinkClass[];
  readonly nowNs: () => bigint;
  readonly file?: BudgetFile | undefined;
  readonly say: Say;
}

/** A token bucket (RFC 2697's committed rate): a day's bytes at most, filled by boot time, so that no wall clock and no midnight counts. */
class Bucket {
  usedBytes = 0;
  #leftBytes: number;
  #savedBytes = Number.NaN;
  #atNs: bigint;

  constructor(
    readonly link: LinkClass,
    leftBytes: number,
    nowNs: bigint,
  ) {
    this.#leftBytes = Math.min(leftBytes, link.budgetBytesPerDay);
    this.#atNs = nowNs;
  }

  left(nowNs: bigint): number {
    const { budgetBytesPerDay } = this.link;
    if (nowNs > this.#atNs) {
      const refilled = (budgetBytesPerDay * Number(nowNs - this.#atNs)) / Number(DAY_NS);
      this.#leftBytes = Math.min(budgetBytesPerDay, this.#leftBytes + refilled);
      this.#atNs = nowNs;
    }
    return this.#leftBytes;
  }

  /** A debt is a day's at most: after a flood of alarms the link is of use again within a day. */
  spend(bytes: number): void {
    this.usedBytes += bytes;
    this.#leftBytes = Math.max(-this.link.budgetBytesPerDay, this.#leftBytes - bytes);
  }

  /** What the file is to say: a step less than is left, so that a crash forgets no use. `undefined`: it says so already. */
  toSave(): number | undefined {
    const step = this.link.budgetBytesPerDay * STEP;
    const drift = this.#leftBytes - this.#savedBytes;
    if (drift >= 0 && drift < 3 * step) return undefined;
    this.#savedBytes = this.#leftBytes - step;
    return this.#savedBytes;
  }

  get saved(): number {
    return this.#savedBytes;
  }
}

/** How many bytes links of a class may carry a day, whatever for, and who may still spend of it. */
export class Budgets {
  readonly #buckets: readonly Bucket[];
  #current: Bucket | undefined;
  #writing = Promise.resolve();

  constructor(private readonly options: BudgetsOptions) {
    const nowNs = options.nowNs();
    const left = this.#readFile();
    this.#buckets = options.links.map((link) => new Bucket(link, left(link), nowNs));
  }

  /** A file that can't be read is no reason to begin a fresh day. */
  #readFile(): (link: LinkClass) => number {
    try {
      const text = this.options.file?.read();
      const found = new Map<string, unknown>(text === undefined ? [] : Object.entries(JSON.parse(text)));
      return ({ name, budgetBytesPerDay }) => {
        const known = found.get(name);
        return typeof known === 'number' && Number.isFinite(known) ? known : budgetBytesPerDay;
      };
    } catch (error) {
      this.options.say(
        'budget.file',
        'error',
        `uplink: what was used of the budgets is unknown, they begin empty: ${error}`,
      );
      return () => 0;
    }
  }

  /** The class of the link that is used now; `undefined`: a free one. */
  get current(): LinkClass | undefined {
    return this.#current?.link;
  }

  use(link: LinkClass | undefined): void {
    this.#current = this.#buckets.find((bucket) => bucket.link === link);
  }

  /** Bytes on the wire, both ways. */
  spend(bytes: number): void {
    const bucket = this.#current;
    if (!bucket || bytes === 0) return;
    const nowNs = this.options.nowNs();
    const before = bucket.left(nowNs);
    bucket.spend(bytes);
    if (before > 0 && bucket.left(nowNs) <= 0) {
      const { name, budgetBytesPerDay } = bucket.link;
      this.options.say(
        `budget.${name}`,
        'warn',
        `uplink: the ${budgetBytesPerDay} bytes a day of links '${name}' are used up: alarms pass, the rest waits`,
      );
    }
    const isDue = this.#buckets.map((one) => one.toSave()).some((saved) => saved !== undefined);
    if (isDue) this.#write();
  }

  /** Whether more than a share of the day's bytes is left. */
  hasLeft(share: number): boolean {
    const bucket = this.#current;
    return !bucket || bucket.left(this.options.nowNs()) > share * bucket.link.budgetBytesPerDay;
  }

  status(): readonly BudgetStatus[] {
    const nowNs = this.options.nowNs();
    return this.#buckets.map((bucket) => ({
      link: bucket.link.name,
      isCurrent: bucket === this.#current,
      budgetBytesPerDay: bucket.link.budgetBytesPerDay,
      leftBytes: Math.round(bucket.left(nowNs)),
      usedBytes: bucket.usedBytes,
    }));
  }

  /** Resolves when the file says what was said last. */
  settled(): Promise<void> {
    return this.#writing;
  }

  #write(): void {
    const { file, say } = this.options;
    const text = JSON.stringify(
      Object.fromEntries(this.#buckets.map((one) => [one.link.name, Math.floor(one.saved)])),
    );
    this.#writing = this.#writing
      .then(() => file?.write(text))
      .catch((error: Error) =>
        say('budget.file', 'warn', `uplink: what was used of the budgets can't be written: ${error.message}`),
      );
  }
}
