/** More tags than pass a gate at once; the one told longest ago is forgotten first, and is news again. */
export const MAX_TAGS = 1024;

/** Which tags were told, and when: a tag that stays isn't news until `repeatAfterMs` have passed. Frame times only. */
export class SightingTable {
  /** Oldest told first. */
  readonly #toldNs = new Map<string, bigint>();
  readonly #repeatAfterNs: bigint;

  constructor(repeatAfterMs: number) {
    this.#repeatAfterNs = BigInt(Math.round(repeatAfterMs * 1e6));
  }

  /** Whether this sighting is worth a row; if so it counts as told. */
  isNews(tag: string, timeNs: bigint): boolean {
    const toldNs = this.#toldNs.get(tag);
    if (toldNs !== undefined && timeNs - toldNs < this.#repeatAfterNs) return false;
    this.#toldNs.delete(tag);
    this.#toldNs.set(tag, timeNs);
    if (this.#toldNs.size > MAX_TAGS) this.#toldNs.delete(this.#toldNs.keys().next().value!);
    return true;
  }

  clear(): void {
    this.#toldNs.clear();
  }
}
