import type { Rows } from '../../../drivers/contract/index.js';
import { native } from '../../../native/index.js';
import type { Store } from '../../../runtime/store/index.js';
import type { LinkFailure } from '../../../runtime/uplink/failure.js';
import type { MqttMessage } from '../../../runtime/uplink/index.js';
import { META_STREAM } from '../../../wire/index.js';
import type { Entry } from '../disk/sorted.js';
import { STORE_PATH } from '../machine/node.js';
import type { BrokerWatch } from '../net/broker.js';
import type { LinkWatch, SimLink } from '../net/link.js';
import type { WorldPart } from '../parts/board.js';
import type { World } from '../run/world.js';
import { blocksIn } from './blocks.js';
import { DESTROYED, EXCUSED, REFUSED, TAKEN } from './track.js';

/** Answers that end a block's way for good. */
const FOR_GOOD = [0x90, 0x95, 0x99];

/** Sees what happens between product and world, and holds it against what was promised while it happens. */
export class Watch implements LinkWatch, BrokerWatch {
  connects = 0;

  constructor(readonly world: World) {}

  read(part: WorldPart, first: number, rows: Rows): void {
    this.world.trace.note('read', `${part.plan.id} ${first} ${rows.timesNs.length}`);
  }

  running(tookNs: number): void {
    this.world.trace.note('running', tookNs);
  }

  stopped(tookNs: number): void {
    this.world.trace.note('stopped', tookNs);
    if (tookNs > 30e9) this.world.oracle.fail('stop', `the stop took ${tookNs / 1e9} s`);
  }

  processEnded(): void {
    this.world.trace.note('ended');
  }

  /** Acknowledged means synced: the head on the disk has the commit's number by then. */
  committed(store: Store, commits: readonly number[]): void {
    this.world.trace.note('commit', commits.join(' '));
    const image = this.world.disk.databases.get(`${STORE_PATH}/level`);
    const synced = image?.syncedHead() ?? 0;
    for (const commit of commits) {
      if (commit > synced)
        this.world.oracle.fail(
          'ackBeforeSync',
          `commit ${commit} was told, and the disk has synced ${synced} (boot ${store.boot})`,
        );
    }
  }

  connecting(link: SimLink): void {
    this.connects += 1;
    this.world.trace.note('connect', link.options.protocol);
  }

  connected(link: SimLink): void {
    this.world.trace.note('online', link.options.protocol);
  }

  published(link: SimLink, id: number, message: MqttMessage): void {
    const { network, oracle } = this.world;
    const most = Math.min(network.plan.window, network.plan.receiveMaximum);
    if (link.unanswered.size > most)
      oracle.fail('window', `${link.unanswered.size} publishes are unanswered, and ${most} may be`);
    this.world.trace.note('publish', `${id} ${message.topic} ${message.payload.length}`);
  }

  answered(_link: SimLink, id: number, reasonCode: number): void {
    this.world.trace.note('answer', `${id} ${reasonCode}`);
  }

  down(_link: SimLink, why: LinkFailure): void {
    this.world.trace.note('down', why.kind);
  }

  took(message: MqttMessage): void {
    const header = native.decodeHeader(message.payload);
    const track = this.world.oracle.track(header.epoch, header.stream);
    if (track.flags(header.first) & TAKEN) this.world.marks.hit('resend');
    track.mark(header.first, header.first + header.count, TAKEN);
  }

  refused(message: MqttMessage, reasonCode: number): void {
    const { epoch, stream, first, count } = native.decodeHeader(message.payload);
    if (stream === META_STREAM) this.world.oracle.metaMayBeMissing = true;
    if (FOR_GOOD.includes(reasonCode))
      this.world.oracle.track(epoch, stream).mark(first, first + count, REFUSED);
  }

  /** The medium has damaged an entry of the database: what lay in it is excused. */
  destroyed(entry: Entry): void {
    const { oracle } = this.world;
    for (const block of blocksIn(entry)) {
      oracle.track(block.epoch, block.stream).mark(block.first, block.first + block.count, DESTROYED);
      if (block.stream === META_STREAM) oracle.metaMayBeMissing = true;
      for (const gap of block.gaps) {
        const last = gap.last ?? gap.first;
        oracle.track(gap.epoch, gap.stream).mark(gap.first, last + 1, EXCUSED);
      }
    }
  }
}
