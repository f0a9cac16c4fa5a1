import type { Queries } from '../db/index.js';
import type { StreamRef } from '../store/types.js';
import { placeholders } from './rows.js';
import type { Segment } from './segments.js';

/** What is known of a stream under a rule. */
export interface Track {
  readonly segments: readonly Segment[];
  /** Rows up to here that come later are judged by themselves; -1: none. */
  readonly floor: number;
  /** Of `noMotion`: the earliest row's time, and when it last moved. */
  readonly sinceNs: bigint | undefined;
  readonly movedNs: bigint | undefined;
}

export const NO_TRACK: Track = { segments: [], floor: -1, sinceNs: undefined, movedNs: undefined };
const CHUNK = 500;

/** The tracks of some streams, and those changed of them, to be written at once. The store holds the streams' locks meanwhile. */
export class Tracks {
  readonly #tracks = new Map<string, Track>();
  readonly #changed = new Map<string, { readonly ruleId: bigint; readonly ref: StreamRef }>();

  static async load(tx: Queries, streamIds: readonly bigint[]): Promise<Tracks> {
    const tracks = new Tracks();
    for (let at = 0; at < streamIds.length; at += CHUNK) {
      const some = streamIds.slice(at, at + CHUNK);
      const rows = await tx.query(
        `SELECT * FROM track WHERE stream_id IN ${placeholders(1, some.length)}`,
        some,
      );
      for (const row of rows)
        tracks.#tracks.set(`${row.rule_id}/${row.stream_id}`, {
          segments: JSON.parse(row.segments as string) as Segment[],
          floor: Number(row.floor),
          sinceNs: (row.since_ns ?? undefined) as bigint | undefined,
          movedNs: (row.moved_ns ?? undefined) as bigint | undefined,
        });
    }
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
    const changed = [...this.#changed];
    for (let at = 0; at < changed.length; at += CHUNK) {
      const some = changed.slice(at, at + CHUNK);
      const values = some.flatMap(([key, { ruleId, ref }]) => {
        const { segments, floor, sinceNs, movedNs } = this.#tracks.get(key)!;
        const known = [JSON.stringify(segments), BigInt(floor), sinceNs ?? null, movedNs ?? null];
        return [ruleId, ref.streamId, ref.node, ref.stream, ...known];
      });
      await tx.query(
        `INSERT INTO track (rule_id, stream_id, node, stream, segments, floor, since_ns, moved_ns)
         VALUES ${placeholders(some.length, 8)}
         ON CONFLICT (rule_id, stream_id) DO UPDATE SET segments = excluded.segments, floor = excluded.floor,
           since_ns = excluded.since_ns, moved_ns = excluded.moved_ns`,
        values,
      );
    }
  }
}
