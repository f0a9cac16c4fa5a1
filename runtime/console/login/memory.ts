import type { Grant } from './grant.js';
import type { Notice } from './notice.js';
import { keep, type LoginPorts } from './ports.js';
import { NOTHING_SEEN, type Seen, withGrant, withNotice } from './seen.js';

/** What was seen of the owner's signatures: on the disk, where another console may add to it meanwhile. */
export class Memory {
  /** For this login, where the disk refuses. */
  #unkept: Seen | undefined;

  constructor(private readonly ports: LoginPorts) {}

  /** Keeps a grant's epoch, whoever brings it. What was seen with it; undefined where the record is damaged. */
  async seeGrant(grant: Grant): Promise<Seen | undefined> {
    const before = this.#known();
    return before && this.#learn(before, withGrant(before, grant));
  }

  /** Mends a damaged record. Throws OwnerTextError `tooMany`. */
  async seeNotice(notice: Notice): Promise<void> {
    const before = this.#known();
    await this.#learn(before, withNotice(before ?? NOTHING_SEEN, notice));
  }

  #known(): Seen | undefined {
    return this.#unkept ?? this.ports.readSeen();
  }

  async #learn(before: Seen | undefined, seen: Seen): Promise<Seen> {
    if (seen === before) return seen;
    const write = () => this.ports.writeSeen(seen);
    const isKept = await keep(this.ports, "What was seen of grants can't be kept", write);
    this.#unkept = isKept ? undefined : seen;
    return seen;
  }
}
