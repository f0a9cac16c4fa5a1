/** A boot clock on a crystal, by itself: a rate a minute, and the wall time of any moment of it by adding up. Nothing of the product. */
export class Oscillator {
  /** Wall ns since the boot, at each minute of the boot clock. */
  readonly #wallNs: bigint[] = [0n];

  /** `ratesPpb[i]`: how much longer the wall's minute is than the boot clock's minute `i`, in 1e-9. */
  constructor(ratesPpb: readonly number[]) {
    for (const rate of ratesPpb) this.#wallNs.push(this.#wallNs.at(-1)! + MINUTE_NS + 60n * BigInt(rate));
  }

  /** Wall ns since the boot. */
  wallNs(bootNs: bigint): bigint {
    const minute = Number(bootNs / MINUTE_NS);
    const [from, to] = [this.#wallNs[minute]!, this.#wallNs[minute + 1] ?? this.#wallNs[minute]!];
    return from + ((to - from) * (bootNs - BigInt(minute) * MINUTE_NS)) / MINUTE_NS;
  }
}

export const MINUTE_NS = 60_000_000_000n;

/** Minutes of a day and a night: 1 within ± 1, cold at its first minute. */
export function dayWave(minute: number): number {
  return -Math.cos((2 * Math.PI * minute) / 1440);
}
