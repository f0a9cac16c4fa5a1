import type { DecodedHeader } from '../../../native/types.js';
import { META_STREAM } from '../../../wire/index.js';
import type { World } from '../run/world.js';
import { ANY_CAUSE, DESTROYED, GIVEN_UP, REFUSED, STORED, TAKEN, type Track } from './track.js';

/** Gone, or about to be, or nobody's to send. */
const NOT_WAITING = TAKEN | REFUSED | GIVEN_UP | ANY_CAUSE | DESTROYED;

/** `backlog: newest`: of what waited for the link, each class begins with its newest commit (docs/config.md, What is sent first). */
export class NewestFirst {
  /** Of each class that has sent nothing of its backlog yet: the newest commit that waited as the link came. */
  readonly #newest = new Map<string, number>();

  constructor(readonly world: World) {}

  connected(): void {
    this.#newest.clear();
    const { uplink, faults } = this.world.scenario;
    // A store that was made anew counts its commits anew.
    if (uplink.backlog !== 'newest' || faults.some(({ kind }) => kind === 'rot')) return;
    for (const track of this.world.oracle.tracks) {
      const name = this.#classOf(track.stream);
      if (name === undefined) continue;
      for (const commit of waiting(track))
        this.#newest.set(name, Math.max(commit, this.#newest.get(name) ?? 0));
    }
  }

  /** Something was refused, or the store read anew: then nothing is said of the order. */
  off(): void {
    this.#newest.clear();
  }

  published(track: Track, { first, stream }: DecodedHeader): void {
    const name = this.#classOf(stream);
    const newest = name === undefined ? undefined : this.#newest.get(name);
    const commit = track.blocks.get(first)?.commit;
    if (name === undefined || newest === undefined || commit === undefined || commit > newest) return;
    this.#newest.delete(name);
    for (const other of this.world.oracle.tracks) {
      if (this.#classOf(other.stream) !== name) continue;
      const passedBy = waiting(other).find((one) => one > commit && one <= newest);
      if (passedBy !== undefined)
        this.world.oracle.fail(
          'order',
          `${stream} ${first} of commit ${commit} goes before commit ${passedBy}`,
        );
    }
  }

  #classOf(stream: string): string | undefined {
    if (stream === META_STREAM) return undefined;
    return this.world.scenario.streams.find(({ id }) => id === stream)?.class ?? 'log';
  }
}

/** Commits of the stream's blocks that nobody has yet. */
function waiting({ blocks, flags }: Track): readonly number[] {
  return [...blocks]
    .filter(([first]) => (flags(first) & (STORED | NOT_WAITING)) === STORED)
    .map(([, { commit }]) => commit);
}
