import { type DecodedHeader, native } from '../../../native/index.js';
import type { Flight } from '../../../runtime/health/index.js';
import type { MqttConnect } from '../../../runtime/uplink/index.js';
import { Disk } from '../disk/disk.js';
import { rot } from '../disk/rot.js';
import { Kernel } from '../kernel/kernel.js';
import { Random } from '../kernel/random.js';
import { Trace } from '../kernel/trace.js';
import { Life } from '../machine/life.js';
import { Boot } from '../machine/machine.js';
import { NODE_ID, type RunningNode, STORE_PATH, startNode } from '../machine/node.js';
import { Broker, isAside } from '../net/broker.js';
import { Fleet } from '../net/fleet.js';
import { SimLink } from '../net/link.js';
import { Network } from '../net/network.js';
import { Signer } from '../net/signer.js';
import { Oracle } from '../oracle/oracle.js';
import { readReserve, reserveEpochOf } from '../oracle/reserve.js';
import { Watch } from '../oracle/watch.js';
import { WorldPart } from '../parts/board.js';
import type { CrashMoment, FaultOf, RotKind, Scenario } from '../scenario.js';
import { Marks } from './marks.js';
import type { Recording } from './recording.js';

/** An armed crash strikes at its moment, or after this long anyway. */
const PATIENCE_NS = 3600e9;

/** A node that is down, or about to end, can't end: its next end waits so long. */
const AGAIN_NS = 120e9;
/** So long the receiver is away after somebody has sent receipts of his own. */
const FORGED_AWAY_NS = 600e9;

/** What a running node comes across. */
const TABLE_ROTS: readonly RotKind[] = ['valueBit', 'recordBit', 'tableRange'];
const RESERVE = `${STORE_PATH}/reserve`;

/** Everything that there is in one simulation, and what can befall it. */
export class World {
  readonly kernel = new Kernel();
  readonly trace: Trace;
  readonly oracle = new Oracle();
  readonly marks = new Marks();
  readonly disk: Disk;
  readonly network: Network;
  readonly fleet: Fleet;
  readonly broker: Broker;
  readonly watch: Watch;
  readonly signer: Signer;
  readonly parts: readonly WorldPart[];
  life: Life | undefined;
  running: RunningNode | undefined;
  crashes = 0;
  #boot: Boot | undefined;
  #machine = 0;
  #stopping: { readonly life: Life; readonly crash: FaultOf<'crash'> } | undefined;
  #armed: FaultOf<'crash'> | undefined;
  #armedCut: { readonly moment: string; readonly strike: () => void } | undefined;
  #rots: RotKind[] = [];
  #flight: Flight | undefined;
  readonly #random: Record<'machine' | 'product' | 'parts' | 'fate' | 'rot', Random>;

  constructor(
    readonly scenario: Scenario,
    private readonly options: {
      readonly keep?: number;
      readonly print?: (line: string) => void;
      readonly recording?: Recording;
    } = {},
  ) {
    const { seed, store, uplink } = scenario;
    const random = (name: string): Random => new Random(seed, name);
    this.#random = {
      machine: random('machine'),
      product: random('product'),
      parts: random('parts'),
      fate: random('fate'),
      rot: random('rot'),
    };
    this.trace = new Trace(() => this.kernel.nowNs, options.keep, options.print);
    this.disk = new Disk(store.sizeBytes + store.spareBytes, store.syncMs, random('disk'), this.trace, {
      moment: (life, moment) => this.#moment(life, moment),
      breach: (text) => this.oracle.fail('contract', text),
      batch: (operations, entries) => this.watch.batch(operations, entries),
      opened: (entries) => this.watch.opened(entries),
    });
    this.network = new Network(this.kernel, uplink);
    this.network.onMoment = (moment) => {
      if (this.#armedCut?.moment === moment) this.#cut(this.#armedCut);
      if (this.life && moment !== 'taken') this.#moment(this.life, moment);
    };
    this.fleet = new Fleet(
      this.kernel,
      this.trace,
      (result) => {
        this.trace.note(
          'received',
          result.kind === 'duplicate' ? `again ${result.header.stream} ${result.header.first}` : result.kind,
        );
        this.marks.received(result);
        this.oracle.received(result);
      },
      (blocks) => this.#held(blocks),
    );
    this.watch = new Watch(this);
    this.oracle.onGiven = (track, from, to) => this.watch.given(track, from, to);
    this.broker = new Broker(this.network, this.fleet, random('broker'), this.trace, this.watch);
    this.signer = new Signer(this.kernel, NODE_ID, uplink.receiptBatchMs ?? 200, (topic, payload) =>
      this.broker.forward(topic, payload),
    );
    this.parts = scenario.streams.map((plan) => new WorldPart(plan));
  }

  #held(blocks: readonly DecodedHeader[]): void {
    this.watch.held(blocks);
    if (this.scenario.uplink.custody === 'fleet') this.signer.held(blocks);
  }

  /** Somebody sends receipts for what the node has just sent. */
  forge(): void {
    const [message] = [...(this.broker.link?.unanswered.values() ?? [])].reverse();
    const payload = message?.message.payload;
    if (!payload || isAside(message.message)) return;
    this.signer.forge(native.decodeHeader(payload));
    // What is believed of them is seen while the receiver hasn't got the block.
    this.signer.forget();
    if (this.fleet.isUp) this.fleet.crash(FORGED_AWAY_NS);
  }

  /** Power on, or only the process anew. */
  start(newBoot: boolean): void {
    if (this.life) return;
    if (newBoot || !this.#boot) this.#boot = new Boot(this.kernel, this.scenario.clock, this.#random.machine);
    this.#boot.machine = this.#machine;
    for (const part of this.parts)
      part.reshaped ||= this.kernel.nowNs >= (part.plan.reshapedAtS ?? Infinity) * 1e9;
    const life = new Life(this.kernel, this.#boot, this.crashes);
    this.life = life;
    this.trace.note('start', this.#boot.id);
    const { scenario, disk, parts, oracle } = this;
    const began = this.kernel.nowNs;
    this.watch.budget.begins();
    this.#flight = this.options.recording?.begin(life, scenario);
    startNode({
      ...{ scenario, life, disk, parts, oracle },
      ...(this.#flight ? { flight: this.#flight } : {}),
      random: this.#random.product,
      connect: this.#connect(life),
      onReading: (part, first, rows) => this.watch.read(part, first, rows),
      onLine: (level, module, text) => {
        this.trace.note('log', `${level} ${module} ${text}`);
        this.marks.line(text);
      },
      onOpen: () => this.watch.punctual.disturbed(),
      onCommit: (store, commit) => this.watch.committed(store, commit),
    }).then(
      (running) => {
        if (this.life !== life) return;
        this.running = running;
        this.watch.running(this.kernel.nowNs - began);
      },
      (error: Error) => this.oracle.fail('start', `the node did not start: ${error.stack}`),
    );
  }

  #connect(life: Life): MqttConnect {
    return (options, events) => new SimLink(life, this.network, this.broker, options, events, this.watch);
  }

  get boot(): Boot | undefined {
    return this.#boot;
  }

  /** The machine or the process dies at the next moment of that kind, be it while it starts; one armed end at a time. */
  arm(crash: FaultOf<'crash'>): void {
    const isStop = crash.how === 'stop' || crash.how === 'reboot';
    const mayStop = this.running && this.#stopping?.life !== this.life;
    if (isStop ? !mayStop : this.#armed || (crash.moment === 'now' && !this.life))
      this.kernel.after(AGAIN_NS, () => this.arm(crash));
    else if (isStop) this.#stop(crash);
    else if (crash.moment === 'now') this.#die(crash);
    else this.#armAt(crash);
  }

  #armAt(crash: FaultOf<'crash'>): void {
    this.#armed = crash;
    this.kernel.after(PATIENCE_NS, () => {
      if (this.#armed !== crash) return;
      this.#armed = undefined;
      this.arm({ ...crash, moment: 'now' });
    });
  }

  /** The network goes at the link's next moment of that kind. */
  armCut(moment: string, strike: () => void): void {
    const cut = { moment, strike };
    this.#armedCut = cut;
    this.kernel.after(PATIENCE_NS / 4, () => {
      if (this.#armedCut === cut) this.#cut(cut);
    });
  }

  #cut({ strike }: { readonly strike: () => void }): void {
    this.#armedCut = undefined;
    strike();
  }

  #moment(life: Life, moment: CrashMoment): void {
    if (this.#armed?.moment === moment && life === this.life) this.#die(this.#armed);
  }

  #die(crash: FaultOf<'crash'>): void {
    const { life } = this;
    if (crash === this.#armed) this.#armed = undefined;
    if (!life) return;
    // A stop that is overtaken comes again.
    if (this.#stopping?.life === life) this.arm(this.#stopping.crash);
    this.crashes += 1;
    this.trace.note('crash', `${crash.how} ${crash.moment}`);
    this.marks.hit(`crash ${crash.how} ${crash.moment}`);
    this.#ended(life, crash.how === 'power');
    if (crash.otherMachine) {
      this.#machine += 1;
      this.marks.hit('another machine');
    }
    this.kernel.after(crash.downS * 1e9, () => this.start(crash.how === 'power'));
  }

  /** SIGTERM, and the end in order. */
  #stop(crash: FaultOf<'crash'>): void {
    const { life, running } = this;
    if (!life || !running) return;
    this.#stopping = { life, crash };
    this.trace.note('stop', crash.how);
    const began = this.kernel.nowNs;
    running.pipeline.stop().then(
      () => {
        if (this.life !== life) return;
        this.#flight?.stop(crash.how);
        this.watch.stopped(this.kernel.nowNs - began);
        this.crashes += 1;
        this.marks.hit(`crash ${crash.how}`);
        this.#ended(life, false);
        this.kernel.after(crash.downS * 1e9, () => this.start(crash.how === 'reboot'));
      },
      (error: Error) => this.oracle.fail('stop', `the node did not stop: ${error.stack}`),
    );
  }

  #ended(life: Life, isPowerCut: boolean): void {
    this.watch.steady.last();
    life.kill();
    this.life = undefined;
    this.oracle.ended();
    this.running = undefined;
    this.broker.link?.down({ kind: 'reset', text: 'the process ended' });
    this.watch.processEnded();
    for (const part of this.parts) {
      part.speak = undefined;
      if (isPowerCut) part.configured = false;
    }
    if (isPowerCut) this.disk.powerCut();
    else this.disk.processEnded();
    const rots = this.#rots.splice(0);
    for (const kind of rots) this.#rot(kind);
    if (rots.length > 1) this.#forget();
  }

  /** Reserve and database have lost everything, at once: there is nobody left who knows that there was an epoch. */
  #forget(): void {
    const reserve = this.disk.files.get(RESERVE)?.durable;
    const image = this.disk.databases.get(`${STORE_PATH}/level`);
    const isBlank = image === undefined || image.recovered().all.length === 0;
    if (isBlank && !(reserve && readReserve(reserve))) this.oracle.forgotten();
  }

  /** What lies in files that LevelDB keeps in memory while it is open rots while it is closed, unless it is to be seen by an opening in between. */
  rot(kind: RotKind, isLive = false): void {
    const needsRest = !isLive && !TABLE_ROTS.includes(kind);
    if (needsRest && this.life) this.#rots.push(kind);
    else this.#rot(kind);
  }

  #rot(kind: RotKind): void {
    const before = this.disk.files.get(RESERVE)?.durable;
    const done = rot(this.disk, STORE_PATH, kind, this.#random.rot, (entry) => this.watch.destroyed(entry));
    this.trace.note('rot', `${kind} ${done}`);
    if (done) this.marks.hit(`rot ${kind}`);
    // While a repair goes on nothing can be read, descriptors neither; what was read before doesn't wait for that.
    if (done && TABLE_ROTS.includes(kind)) this.oracle.metaMayBeMissing = true;
    if (!done || !kind.startsWith('reserve')) return;
    for (const track of this.oracle.tracks) track.limitDestroyed();
    const damaged = reserveEpochOf(before, this.disk.files.get(RESERVE)?.durable);
    if (damaged) this.oracle.reserveDamaged(damaged);
  }

  speak(index: number): void {
    const part = this.parts[index]!;
    part.speak?.(this.#random.parts.int(1, part.plan.burst));
  }

  get partRandom(): Random {
    return this.#random.parts;
  }
}
