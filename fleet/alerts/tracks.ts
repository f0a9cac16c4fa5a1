import type { Queries } from '../db/index.js';
import { type GivenType, withGiven } from '../store/index.js';
import type { StreamRef } from '../store/types.js';
import type { Segment } from './segments.js';

/** What is known of a stream under a rule. */
export interface Track {
  readonly segments: readonly Segment[];
  /** Rows up to here that come later are judged by themselves; -1: none. */
  readonly floor: number;
  /** Of `noMotion`: the earliest row's time, and when it last moved; of silence: when it was last heard. */
  readonly sinceNs: bigint | undefined;
  readonly movedNs: bigint | undefined;
  /** Of `noMotion`: the newest row's time. */
  readonly newestNs: bigint | undefined;
  /** Of `noMotion`: the newest row that moved and had no time yet. */
  readonly unplaced: bigint | undefined;
}

export const NO_TRACK: Track = {
  ...{ segments: [], floor: -1 },
  ...{ sinceNs: undefined, movedNs: undefined, newestNs: undefined, unplaced: undefined },
};
const SHAPE: Readonly<Record<string, GivenType>> = {
  ...{ rule_id: 'BIGINT', stream_id: 'BIGINT', node: 'TEXT', stream: 'TEXT' },
  ...{ segments: 'TEXT', floor: 'BIGINT', since_ns: 'BIGINT', moved_ns: 'BIGINT', newest_ns: 'BIGINT' },
  unplaced_seq: 'BIGINT',
};

/** The tracks of some streams, and those changed of them, to be written at once. The store holds the streams' locks meanwhile. */
export class Tracks {
  readonly #tracks = new Map<string, Track>();
  readonly #changed = new Map<string, { readonly ruleId: bigint; readonly ref: StreamRef }>();

  static async load(tx: Queries, streamIds: readonly bigint[]): Promise<Tracks> {
    const tracks = new Tracks();
    const rows = await withGiven(
      tx,
      { stream_id: 'BIGINT' },
      streamIds.map((stream_id) => ({ stream_id })),
      (given) => `SELECT track.* FROM ${given} JOIN track ON track.stream_id = given.stream_id`,
    );
    for (const row of rows)
      tracks.#tracks.set(`${row.rule_id}/${row.stream_id}`, {
        segments: JSON.parse(row.segments as string) as Segment[],
        floor: Number(row.floor),
        sinceNs: (row.since_ns ?? undefined) as bigint | undefined,
        movedNs: (row.moved_ns ?? undefined) as bigint | undefined,
        newestNs: (row.newest_ns ?? undefined) as bigint | undefined,
        unplaced: (row.unplaced_seq ?? undefined) as bigint | undefined,
      });
    return tracks;
  }

  get(ruleId: bigint, { streamId }: StreamRef): Track {
    return this.#tracks.get(`${ruleId}/${streamId}`) ?? NO_TRACK;
  }

  set(ruleId: bigint, ref: StreamRef, track: Track): void {
    const key = `${ruleId}/${ref.streamId}`;
    this.#tracks.set(key, track);
    this.#changed.set(key, { ruleId, ref });
  }

  async save(tx: Queries): Promise<void> {
    const rows = [...this.#changed].map(([key, { ruleId, ref }]) => {
      const { segments, floor, sinceNs, movedNs, newestNs, unplaced } = this.#tracks.get(key)!;
      return {
        ...{ rule_id: ruleId, stream_id: ref.streamId, node: ref.node, stream: ref.stream },
        ...{ segments: JSON.stringify(segments), floor },
        ...{ since_ns: sinceNs, moved_ns: movedNs, newest_ns: newestNs, unplaced_seq: unplaced },
      };
    });
    const columns = Object.keys(SHAPE).join(', ');
    // SQLite reads ON after a SELECT as a join's, unless there is a WHERE.
    await withGiven(
      tx,
      SHAPE,
      rows,
      (given) => `INSERT INTO track (${columns}) SELECT ${columns} FROM ${given} WHERE 1 = 1
        ON CONFLICT (rule_id, stream_id) DO UPDATE SET segments = excluded.segments, floor = excluded.floor,
          since_ns = excluded.since_ns, moved_ns = excluded.moved_ns, newest_ns = excluded.newest_ns,
          unplaced_seq = excluded.unplaced_seq`,
    );
  }
}
