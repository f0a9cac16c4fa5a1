/** When a part is due: every `intervalMs` from the start on, whatever a sample takes. A late tick never makes a burst. */
export class Schedule {
  /** Periods that passed without a sample. */
  missed = 0;
  #dueNs = 0n;

  /** ms; undefined for a part that speaks by itself. */
  constructor(public intervalMs: number | undefined) {}

  /** Due now, and every interval from now. */
  restart(nowNs: bigint): void {
    this.#dueNs = nowNs;
  }

  /** ms until the next period begins; those that passed are counted and left out. Undefined: there are no periods. */
  nextMs(nowNs: bigint): number | undefined {
    if (this.intervalMs === undefined) return undefined;
    const intervalNs = BigInt(Math.max(1, Math.round(this.intervalMs * 1e6)));
    this.#dueNs += intervalNs;
    if (this.#dueNs <= nowNs) {
      const passed = (nowNs - this.#dueNs) / intervalNs + 1n;
      this.missed += Number(passed);
      this.#dueNs += passed * intervalNs;
    }
    return Number(this.#dueNs - nowNs) / 1e6;
  }
}
