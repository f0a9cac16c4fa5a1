import type { Rows } from '../../../drivers/contract/index.js';
import { type DecodedHeader, native } from '../../../native/index.js';
import type { LevelOperation, Store, StoreCommit } from '../../../runtime/store/index.js';
import type { LinkFailure } from '../../../runtime/uplink/failure.js';
import type { MqttMessage } from '../../../runtime/uplink/index.js';
import { META_STREAM } from '../../../wire/index.js';
import { type Entry, keyText, type SortedEntries } from '../disk/sorted.js';
import { NODE_ID, STORE_PATH } from '../machine/node.js';
import { type BrokerWatch, isAside } from '../net/broker.js';
import type { LinkWatch, SimLink } from '../net/link.js';
import type { WorldPart } from '../parts/board.js';
import type { World } from '../run/world.js';
import { blocksIn } from './blocks.js';
import { BudgetWatch } from './budget.js';
import { Deletions, gapOf } from './deletions.js';
import { Freed } from './freed.js';
import { NewestFirst } from './newest.js';
import { NoticeWatch } from './notices.js';
import { SendOrder } from './order.js';
import { Punctuality } from './punctual.js';
import { Refusals } from './refusals.js';
import { Resent } from './resent.js';
import { readReserve } from './reserve.js';
import { Steady } from './steady.js';
import { DESTROYED, EXCUSED, HELD, REFUSED, STORED, TAKEN, type Track } from './track.js';
import { Tries } from './tries.js';

/** Answers that end a block's way for good. */
const FOR_GOOD = [0x90, 0x95, 0x99];

/** Around a topic and its payload, at most: fixed header, their lengths, packet id, properties. */
const PUBLISH_BYTES = 16;

/** An alarm may cut a wait short so often; the node's clock is a little off ours. */
const URGENT_EVERY_NS = 59e9;

/** Sees what happens between product and world, and holds it against what was promised while it happens. */
export class Watch implements LinkWatch, BrokerWatch {
  lastAnswerNs = 0;
  /** Since when the process runs. */
  runningNs = 0;
  /** Another client may have come with our id until then: links stay away for long. */
  rivalUntilNs = 0;
  readonly punctual: Punctuality;
  readonly notices: NoticeWatch;
  readonly steady: Steady;
  readonly budget: BudgetWatch;
  readonly freed: Freed;
  readonly #tries: Tries;
  readonly #refusals: Refusals;
  readonly #newest: NewestFirst;
  readonly #resent: Resent;
  readonly #deletions: Deletions;
  #order = new SendOrder();
  #alarmNs = Number.NEGATIVE_INFINITY;
  #alarmReadNs = Number.NEGATIVE_INFINITY;
  /** When a try last came early for an alarm's sake. */
  #urgentNs = Number.NEGATIVE_INFINITY;
  #lastDown: { readonly atNs: number; readonly kind: string } | undefined;

  constructor(readonly world: World) {
    this.punctual = new Punctuality(world);
    this.notices = new NoticeWatch(world);
    this.steady = new Steady(world);
    this.budget = new BudgetWatch(world);
    this.freed = new Freed(world);
    this.#tries = new Tries(world);
    this.#refusals = new Refusals(world);
    this.#newest = new NewestFirst(world);
    this.#resent = new Resent(world);
    this.#deletions = new Deletions(
      world.oracle,
      world.scenario,
      world.scenario.uplink.custody === 'fleet' ? HELD : TAKEN,
    );
  }

  read(part: WorldPart, first: number, rows: Rows): void {
    this.steady.sampled();
    if (part.plan.class === 'alarm') {
      this.#alarmReadNs = this.world.kernel.nowNs;
      this.notices.read(part, first, rows);
      if (this.notices.mayBeUnkept) this.#tries.noticed();
    }
    this.world.trace.note('read', `${part.plan.id} ${first} ${rows.timesNs.length}`);
  }

  /** Rows were given to the store: numbers [from, to) of the track. */
  given(track: Track, from: number, to: number): void {
    track.givenNs = this.world.kernel.nowNs;
    const plan = this.world.scenario.streams.find(({ id }) => id === track.stream);
    this.punctual.kept(track, from, to, plan);
    if (plan?.class === 'alarm' || plan?.class === 'event' || plan?.live)
      this.punctual.given(track, from, to, plan.class === 'alarm');
  }

  batch(operations: readonly LevelOperation[], entries: SortedEntries): void {
    this.#deletions.check(operations, entries);
    this.freed.batch(operations, entries);
    for (const operation of operations) {
      if (operation.type === 'put' && operation.key[0] === 0x56) this.#stored(operation.key, operation.value);
    }
  }

  held(blocks: readonly DecodedHeader[]): void {
    for (const { epoch, stream, first, count } of blocks)
      this.world.oracle.track(epoch, stream).mark(first, first + count, HELD);
  }

  heard(_link: SimLink, topic: string, bytes: number): void {
    this.#resent.heard();
    this.world.trace.note('heard', `${topic} ${bytes}`);
  }

  opened(entries: SortedEntries): void {
    this.freed.opened(entries);
    for (const { key, value } of entries.range('V', 'W')) this.#stored(key, value);
  }

  /** Keys of values are docs/store.md's: V, the class, the commit. */
  #stored(key: Uint8Array, value: Uint8Array): void {
    const commit = Number(new DataView(key.buffer, key.byteOffset).getBigUint64(2));
    this.freed.stored(keyText(key), value);
    for (const { epoch, stream, first, count, byteLength } of blocksIn(value)) {
      const track = this.world.oracle.track(epoch, stream);
      track.mark(first, first + count, STORED | (this.#isTooLarge(stream, byteLength) ? REFUSED : 0));
      track.blocks.set(first, { commit, count });
    }
  }

  /** No broker of this plan takes it in one PUBLISH: topic, payload, and what MQTT 5 §3.3 puts around them. */
  #isTooLarge(stream: string, bytes: number): boolean {
    const { streams, uplink } = this.world.scenario;
    const most = uplink.maximumPacketBytes;
    if (most === undefined) return false;
    const topic = `cairn/1/${NODE_ID}/${streams.find(({ id }) => id === stream)?.class ?? stream}/${stream}`;
    return bytes + topic.length + PUBLISH_BYTES > most;
  }

  running(tookNs: number): void {
    this.runningNs = this.world.kernel.nowNs;
    this.punctual.started();
    this.world.trace.note('running', tookNs);
  }

  stopped(tookNs: number): void {
    this.world.trace.note('stopped', tookNs);
    if (tookNs > 60e9) this.world.oracle.fail('stop', `the stop took ${tookNs / 1e9} s`);
    this.#checkClean();
  }

  /** A clean stop leaves limits that are exactly the next numbers. */
  #checkClean(): void {
    const { disk, running, oracle } = this.world;
    if (!disk.isCalm || !running?.isOpen() || running.store.status().pendingRows > 0) return;
    const file = disk.files.get(`${STORE_PATH}/reserve`);
    const found = file && readReserve(file.durable);
    if (!found?.clean) oracle.fail('cleanStop', 'a clean stop left a reserve that is not clean');
    for (const { stream, next } of running.store.streams()) {
      if (found?.limits.get(stream) !== next)
        oracle.fail(
          'cleanStop',
          `${stream} stopped at ${next}, and its limit is ${found?.limits.get(stream)}`,
        );
    }
  }

  processEnded(): void {
    this.punctual.disturbed();
    this.#lastDown = undefined;
    this.#tries.ended();
    this.#resent.ended();
    this.freed.ended();
    this.world.trace.note('ended');
  }

  /** Acknowledged means synced: the head on the disk has the commit's number by then. */
  committed(store: Store, { classes, firsts = [] }: StoreCommit): void {
    if (classes.includes('alarm')) this.notices.kept();
    const commits = firsts.map(({ commit }) => commit);
    // After a disk that refused, from the newest down begins anew.
    if (firsts.length === 0) {
      this.#order = new SendOrder();
      this.#newest.off();
    }
    if (firsts.some((first) => first.class === 'alarm')) {
      this.#alarmNs = this.world.kernel.nowNs;
      this.#tries.alarm();
    }
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

  carried(link: SimLink, bytes: number): void {
    if (link.isMetered) this.budget.carried(bytes);
  }

  connecting(link: SimLink): void {
    if (link.isMetered) this.budget.opened();
    this.#checkBackoff(link);
    if (!link.life.dead) this.#tries.connecting();
    const { topic, retain } = link.options.will;
    if (!topic.endsWith('/status') || !retain)
      this.world.oracle.fail('status', `the last will on ${topic} is not kept by the broker`);
    this.#order = new SendOrder();
    this.world.trace.note('connect', link.options.protocol);
  }

  /** Between two tries lies the least back-off, and half the longest where another client has our id; for an alarm the least, once a minute. */
  #checkBackoff(link: SimLink): void {
    const { kernel, scenario, oracle } = this.world;
    const before = this.#lastDown;
    if (!before || before.kind === 'version' || link.life.dead) return;
    const waitedMs = (kernel.nowNs - before.atNs) / 1e6;
    const { backoffMinMs, backoffMaxMs } = scenario.uplink;
    const leastMs = before.kind === 'takenOver' ? backoffMaxMs / 2 : backoffMinMs;
    if (waitedMs >= 0.99 * leastMs - 1) return;
    // What the disk doesn't take is told some seconds after it came.
    const alarmNs = Math.max(this.#alarmNs, this.#alarmReadNs + 4e9);
    const isUrgent = alarmNs >= before.atNs && kernel.nowNs - this.#urgentNs >= URGENT_EVERY_NS;
    if (isUrgent && waitedMs >= 0.99 * backoffMinMs - 1) this.#urgentNs = kernel.nowNs;
    else
      oracle.fail(
        'backoff',
        `a new try ${waitedMs} ms after '${before.kind}', and ${leastMs} ms are the least`,
      );
  }

  connected(link: SimLink): void {
    this.#tries.connected();
    this.#refusals.connected();
    this.#newest.connected();
    this.punctual.disturbed();
    this.lastAnswerNs = this.world.kernel.nowNs;
    this.world.trace.note('online', link.options.protocol);
  }

  published(link: SimLink, id: number, message: MqttMessage): void {
    const { network, oracle } = this.world;
    const most = Math.min(network.plan.window, network.plan.receiveMaximum);
    if (link.unanswered.size > most)
      oracle.fail('window', `${link.unanswered.size} publishes are unanswered, and ${most} may be`);
    if (message.retain !== message.topic.endsWith('/status'))
      oracle.fail('status', `${message.topic} is sent with retain ${message.retain}`);
    const largest = link.options.protocol === 5 ? network.plan.maximumPacketBytes : undefined;
    if (message.payload.length + message.topic.length > (largest ?? Number.POSITIVE_INFINITY))
      oracle.fail('packetSize', `${message.payload.length} bytes are sent, and a packet may have ${largest}`);
    this.#refusals.published(link, id, message);
    this.#checkBlock(message, link.isMetered);
    this.world.trace.note('publish', `${id} ${message.topic} ${message.payload.length}`);
  }

  #checkBlock(message: MqttMessage, isMetered: boolean): void {
    const { oracle, scenario } = this.world;
    if (message.topic.includes('/notice/')) this.notices.sent(message);
    if (isAside(message)) return;
    const header = native.decodeHeader(message.payload);
    const plan = scenario.streams.find(({ id }) => id === header.stream);
    if (isMetered)
      this.budget.sends(plan?.class ?? (header.stream === META_STREAM ? 'meta' : 'log'), plan?.live === true);
    const track = oracle.track(header.epoch, header.stream);
    const flags = track.flags(header.first);
    // Custody fleet: what the broker had before is asked after once more, whenever its receipt is due.
    const isResend = scenario.uplink.custody === 'fleet' && (flags & TAKEN) !== 0;
    if (scenario.uplink.custody === 'fleet') this.#resent.published(keyOf(header), plan?.class === 'alarm');
    const backlog = header.stream === META_STREAM ? 'oldest' : (scenario.uplink.backlog ?? 'oldest');
    const why = isResend ? undefined : this.#order.next(track, header, backlog);
    if (why) oracle.fail('order', why);
    if (!isResend) this.#newest.published(track, header);
    // What a process before this one had synced counts too, told or not.
    if ((flags & STORED) === 0)
      oracle.fail('sentBeforeSync', `${header.stream} ${header.first} is sent, and the disk never had it`);
  }

  answered(link: SimLink, id: number, reasonCode: number, message?: MqttMessage): void {
    this.lastAnswerNs = this.world.kernel.nowNs;
    this.#tries.answered();
    if (message && !isAside(message)) {
      const header = native.decodeHeader(message.payload);
      this.#resent.answered(keyOf(header), reasonCode);
      if (reasonCode === 0) this.freed.answered(header.epoch, header.stream, header.first);
    }
    if (message) this.#refusals.answered(link, reasonCode, message);
    if (reasonCode > 0) {
      this.#order.isOff = true;
      this.#newest.off();
    }
    this.world.trace.note('answer', `${id} ${reasonCode}`);
  }

  down(link: SimLink, why: LinkFailure): void {
    const { kernel, scenario } = this.world;
    this.punctual.disturbed();
    // What ends after its process is nothing that the next one knows of.
    if (!link.life.dead) {
      this.#lastDown = { atNs: kernel.nowNs, kind: why.kind };
      this.#tries.down(why.kind);
      this.#resent.down();
    }
    if (why.kind === 'takenOver' || why.kind === 'closed')
      this.rivalUntilNs = kernel.nowNs + (3 * scenario.uplink.backoffMaxMs + 60_000) * 1e6;
    this.world.trace.note('down', why.kind);
  }

  took(message: MqttMessage): void {
    if (message.topic.includes('/notice/')) {
      this.notices.took(message);
      return;
    }
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
    if (entry.k.startsWith('G')) this.#gapDestroyed(entry);
    if (!entry.k.startsWith('V')) return;
    for (const block of blocksIn(entry.value)) {
      oracle.track(block.epoch, block.stream).mark(block.first, block.first + block.count, DESTROYED);
      if (block.stream === META_STREAM) oracle.metaMayBeMissing = true;
      for (const gap of block.gaps) {
        const last = gap.last ?? gap.first;
        oracle.track(gap.epoch, gap.stream).mark(gap.first, last + 1, EXCUSED);
      }
    }
  }

  /** Why these numbers carry no row is forgotten: that they are gone is all that can be said. */
  #gapDestroyed({ value }: Entry): void {
    const { stream, first, last } = gapOf(value);
    for (const track of this.world.oracle.tracks)
      if (track.stream === stream) track.mark(first, Math.min(last, track.end) + 1, DESTROYED);
  }
}

function keyOf({ epoch, stream, first }: DecodedHeader): string {
  return `${epoch}/${stream}/${first}`;
}
