import type { LogClass } from '../../wire/index.js';
import type { Store, StoredBlock, StoreStatus } from '../store/types.js';

const PAGE_BLOCKS = 256;
/** Of its share of the store a class keeps so much whole: a free link tomorrow can carry it. */
const KEPT_SHARE = 0.5;

export interface ThinnerOptions {
  readonly store: Pick<Store, 'read' | 'dispose' | 'status'>;
  /** It is under way, or the broker has it: not to be given up. */
  readonly isUnderWay: (block: StoredBlock) => boolean;
  /** They are no longer there. */
  readonly onThinned: (logClass: LogClass) => void;
}

/**
 * On a link whose budget can't carry a class: from half of its share of the store on, as many of its oldest bytes are given up as new ones
 * come in. The budget, as it refills, goes on sending one now and then, so that every k-th stays; the newest are kept whole.
 */
export class Thinner {
  /** Where a class stood when its budget ran out: it is not thinned below that at once. */
  readonly #baseBytes = new Map<LogClass, number>();
  readonly thinnedBlocks = new Map<LogClass, number>();
  /** The store's count of commits by which what was given up is off its books: the next may have been under way already. */
  readonly #notBefore = new Map<LogClass, number>();

  constructor(private readonly options: ThinnerOptions) {}

  /** The class's rows go as they are again. */
  rest(logClass: LogClass): void {
    this.#baseBytes.delete(logClass);
  }

  /** To be called every few seconds while the budget refuses the class. */
  async thin(logClass: LogClass): Promise<void> {
    const { store, isUnderWay, onThinned } = this.options;
    const status = store.status();
    const excess = this.#excess(logClass, status);
    if (excess <= 0 || status.commits < (this.#notBefore.get(logClass) ?? 0)) return;
    const oldest = await store.read(logClass, undefined, PAGE_BLOCKS, excess);
    const given = oldest.filter((block) => !isUnderWay(block));
    if (given.length === 0) return;
    store.dispose(given.map(({ position }) => ({ position, kind: 'thinned' })));
    this.#notBefore.set(logClass, store.status().commits + 2);
    this.thinnedBlocks.set(logClass, (this.thinnedBlocks.get(logClass) ?? 0) + given.length);
    onThinned(logClass);
  }

  #excess(logClass: LogClass, { classes }: StoreStatus): number {
    const status = classes.find((one) => one.class === logClass);
    if (!status) return 0;
    const floor = KEPT_SHARE * status.quotaBytes;
    const base = Math.max(floor, Math.min(status.bytes, this.#baseBytes.get(logClass) ?? status.bytes));
    this.#baseBytes.set(logClass, base);
    return status.bytes - base;
  }
}
