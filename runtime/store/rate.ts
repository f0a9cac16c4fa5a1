const NS_PER_S = 1e9;
/** A first moment is no rate: so much is looked at at least, s. */
const LEAST_S = 60;

/** How much a second, over about the last `tauS` seconds: what is older fades. */
export class Rate {
  #sum = 0;
  /** Of the time looked at, fading alike, s. */
  #weightS = 0;

  constructor(
    readonly tauS: number,
    private atNs: bigint,
  ) {}

  add(amount: number, nowNs: bigint): void {
    this.#passTo(nowNs);
    this.#sum += amount;
  }

  perS(nowNs: bigint): number {
    this.#passTo(nowNs);
    return this.#sum / Math.max(this.#weightS, LEAST_S);
  }

  /** How long was looked at, fading: `tauS` at most, s. */
  lookedS(nowNs: bigint): number {
    this.#passTo(nowNs);
    return this.#weightS;
  }

  #passTo(nowNs: bigint): void {
    const keep = Math.exp(-secondsBetween(this.atNs, nowNs) / this.tauS);
    this.#sum *= keep;
    this.#weightS = this.tauS - (this.tauS - this.#weightS) * keep;
    this.atNs = nowNs;
  }
}

/** Never below 0: a clock that stands still or goes back makes no time. */
export function secondsBetween(fromNs: bigint, toNs: bigint): number {
  return Math.max(0, Number(toNs - fromNs) / NS_PER_S);
}
