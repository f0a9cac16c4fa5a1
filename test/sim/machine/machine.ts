import type { ClockPair, ClockSync } from '../../../native/types.js';
import type { Kernel } from '../kernel/kernel.js';
import type { Random } from '../kernel/random.js';
import type { ClockPlan } from '../scenario.js';

/** When every simulation begins, ns since 1970: true time is this plus the kernel's. */
export const BEGIN_WALL_NS = 1_795_000_000_000_000_000n;
const YEAR_NS = 31_556_952_000_000_000n;
/** What a pair of clocks takes to be read, halved. */
const PAIR_NS = 700n;

/** One start of the machine: its boot id, and its crystal's word for how long it has been up. */
export class Boot {
  readonly id: string;
  /** Which machine of those that the card was in. */
  machine = 0;
  #synchronised = false;
  /** What the wall clock is wrong by. */
  #wallOffNs: bigint;
  #lastTrueNs = -1;
  #lastBootNs = 0n;

  constructor(
    readonly kernel: Kernel,
    readonly plan: ClockPlan,
    readonly random: Random,
    readonly startedNs = kernel.nowNs,
  ) {
    const hex = (): string => random.u32().toString(16).padStart(8, '0');
    this.id = `${hex()}-0000-4000-8000-${hex()}${hex().slice(0, 4)}`;
    this.#wallOffNs = plan.startsIn1970
      ? -BEGIN_WALL_NS - BigInt(kernel.nowNs)
      : BigInt(random.int(-4e9, 4e9)) * 7n;
    if (plan.syncAfterS !== undefined) this.disciplineAfter(plan.syncAfterS);
  }

  /** CLOCK_BOOTTIME. */
  bootNs(): bigint {
    if (this.kernel.nowNs !== this.#lastTrueNs) {
      this.#lastTrueNs = this.kernel.nowNs;
      this.#lastBootNs = BigInt(this.bootOf(this.kernel.nowNs));
    }
    return this.#lastBootNs;
  }

  bootOf(trueNs: number): number {
    const away = trueNs - this.startedNs;
    return away + Math.round((away * this.plan.ppm) / 1e6);
  }

  /** The true wall time at which this boot's clock says `bootNs`. */
  wallOf(bootNs: bigint): bigint {
    const away = Number(bootNs);
    return (
      BEGIN_WALL_NS +
      BigInt(this.startedNs) +
      BigInt(away - Math.round((away * this.plan.ppm) / (1e6 + this.plan.ppm)))
    );
  }

  /** True ns that `ms` of this machine's time take. */
  spanNs(ms: number): number {
    return Math.ceil((ms * 1e6) / (1 + this.plan.ppm / 1e6));
  }

  /** settimeofday(2): the kernel forgets that its clock was disciplined. */
  jump(years: number): void {
    this.#wallOffNs += BigInt(years) * YEAR_NS;
    this.#synchronised = false;
  }

  disciplineAfter(seconds: number): void {
    this.kernel.after(seconds * 1e9, () => {
      const maxNs = this.plan.maxErrorMs * 1e6;
      this.#wallOffNs = BigInt(this.random.int(-maxNs, maxNs));
      this.#synchronised = true;
    });
  }

  sync(): ClockSync {
    const maxErrorNs = BigInt(Math.round(this.plan.maxErrorMs * 1e6));
    return { synchronised: this.#synchronised, maxErrorNs, estimatedErrorNs: maxErrorNs / 2n };
  }

  pair(): ClockPair {
    const wallNs = BEGIN_WALL_NS + BigInt(this.kernel.nowNs) + this.#wallOffNs;
    return { bootNs: this.bootNs(), wallNs, uncertaintyNs: PAIR_NS };
  }
}
