import type { Rows } from '../drivers/contract/index.js';
import { AlarmWatch } from './alarm-watch.js';
import type { Board } from './board/index.js';
import type { Calibration, Calibrations } from './calibrations.js';
import { AnchorKeeper, type RuntimeClock, type WallClock } from './clock/index.js';
import type { ConfigStatus, NodeConfig } from './config/index.js';
import { createFusion, fusionStreams, type NativeFusion } from './fusion/index.js';
import { LOG_STREAM, type Log, type LogSink } from './log.js';
import {
  createSampler,
  type Lend,
  type PartStatus,
  type Sampler,
  type SamplerStream,
} from './sampler/index.js';
import { SeenRows } from './seen-rows.js';
import type { Store, StoreStatus } from './store/index.js';
import type { Uplink, UplinkStatus } from './uplink/index.js';

/** Everything that the pipeline is made of, opened by whoever runs it: hardware or twins, disk or simulation. */
export interface PipelineParts {
  readonly config: NodeConfig;
  readonly board: Board;
  readonly store: Store;
  /** When the store is open, on a disk that refused at first: there are only notices to send before. */
  readonly storeOpened?: Promise<void>;
  /** Absent on a node without an uplink. */
  readonly uplink?: Uplink;
  readonly native: NativeFusion;
  readonly clock: RuntimeClock;
  readonly wall: WallClock;
  /** Absent where nothing is kept over a restart. */
  readonly calibrations?: Calibrations;
  /** How late it is at the least, kept over a power cut. */
  readonly keepTime?: (wallNs: bigint) => void;
  /** [0, 1) */
  readonly random: () => number;
  readonly log: Log;
  readonly logSink: LogSink;
}

export interface PipelineStatus {
  readonly name: string;
  readonly parts: readonly PartStatus[];
  readonly store: StoreStatus;
  readonly uplink: UplinkStatus | undefined;
  readonly time: {
    readonly bootNs: bigint;
    readonly wallNs: bigint | undefined;
    readonly uncertaintyNs: bigint | undefined;
  };
  /** What corrects the parts' rows, by part; parts without one are left out. */
  readonly calibrations?: Readonly<Record<string, readonly Calibration[]>>;
  /** Of the process. */
  readonly residentBytes: number;
  /** Which configuration runs; absent where nobody chose one. */
  readonly config?: ConfigStatus | undefined;
}

export interface Pipeline {
  start(): void;
  status(): PipelineStatus;
  /** What the parts give, for whoever asks at the console. */
  readonly seen: SeenRows;
  /** Takes a part's next sample at once. */
  sampleNow(partId: string): void;
  /** Its calibrations are other ones. Throws where the sampler's inbox is full: they take effect at the next start then. */
  recalibrate(partId: string): void;
  /** Takes a part out of use for a while, so that its port or line can be looked at. */
  readonly lend: Lend;
  /** A person says what time it is, ns since 1970, within ± `uncertaintyNs`. False: what is known is better, or it can't be right. */
  tellTime(wallNs: bigint, uncertaintyNs: bigint): boolean;
  /** The sampler's ticks have stopped: only a new start could help. */
  isStuck(): boolean;
  /** Stops left to right, so that what was sampled is committed and what was committed may still leave. */
  stop(): Promise<void>;
}

/** How long a stop waits for the disk, and then for answers to what is under way. */
const STOP_GRACE_MS = 2_000;

/** Wires the stages, left to right. */
export function createPipeline(parts: PipelineParts): Pipeline {
  const { config, store, uplink, clock, log } = parts;
  const seen = new SeenRows();
  const alarms = new AlarmWatch({
    ...{ store, clock },
    onUnkept: (unkept) => uplink?.notice({ ...unkept, wallNs: (timeNs) => anchors.at(timeNs)?.wallNs }),
  });
  const declare = (streams: readonly SamplerStream[]) => {
    for (const stream of streams) {
      seen.declare(stream);
      if (!stream.keep) continue;
      store.declare(stream);
      alarms.declare(stream);
    }
  };
  store.declare({ ...LOG_STREAM, title: 'Log of the runtime' });
  parts.logSink.attach((rows) => store.append(rows));

  const anchors = new AnchorKeeper({
    clock,
    wall: parts.wall,
    emit: (anchor) => {
      store.anchor(anchor);
      parts.keepTime?.(anchor.wallNs - anchor.uncertaintyNs);
    },
    log: (level, text) => log(level, 'clock', text),
  });
  declare(fusionStreams(config.fusion));
  const fusion = createFusion({
    config: config.fusion,
    native: parts.native,
    emit: (rows) => alarms.append(rows),
    onMotion: (state) => noteMotion(sampler, log, state),
  });
  const sampler = createSampler({
    board: parts.board,
    ...{ clock, random: parts.random },
    declare: (streams) => {
      declare(streams);
      fusion.declare(streams);
    },
    ...calibrating(parts, seen),
    emit: (rows) => {
      seen.take(rows);
      anchors.observe(rows, seen.channelsOf(rows.stream));
      fusion.take(rows);
    },
    log: (level, text) => log(level, 'sampler', text),
  });
  store.onCommit(() => uplink?.nudge());

  return {
    start: () => {
      anchors.start();
      sampler.start();
      startSending(parts);
    },
    seen,
    ...byHand(sampler, anchors),
    status: () => statusOf(parts, sampler, anchors),
    isStuck: () => sampler.isStuck(),
    stop: async () => {
      anchors.stop();
      await tried('the sampler', sampler.stop(), log);
      await stopKeeping(parts);
      alarms.stop();
      await store.close();
    },
  };
}

/** Who looks at rows before they are calibrated, and what calibrates them. */
function calibrating({ calibrations }: PipelineParts, seen: SeenRows) {
  return {
    onRaw: (stream: SamplerStream, rows: Rows) => seen.takeRaw(stream, rows),
    correctionsOf: (partId: string) => calibrations?.inUse(partId) ?? [],
  };
}

/** What a person at the console may do to it. */
function byHand(
  sampler: Sampler,
  anchors: AnchorKeeper,
): Pick<Pipeline, 'sampleNow' | 'recalibrate' | 'lend' | 'tellTime'> {
  return {
    sampleNow: (partId) => void sampler.send({ kind: 'sample', partId }),
    recalibrate: (partId) => {
      if (!sampler.send({ kind: 'recalibrate', partId }))
        throw new Error(`the sampler's inbox is full: ${partId} is calibrated from the next start on`);
    },
    lend: sampler.lend,
    tellTime: (wallNs, uncertaintyNs) => anchors.tell(wallNs, uncertaintyNs),
  };
}

/** What was sampled is committed, and what was committed may still leave. */
async function stopKeeping({ board, store, uplink, clock, log, logSink }: PipelineParts): Promise<void> {
  await tried('the board', board.close(), log);
  await flushInTime(store, clock, log);
  await uplink?.stop(STOP_GRACE_MS);
  logSink.detach();
}

/** Before the store is open there is nothing to send but notices, and no epoch to say: what the broker was told of it is said anew. */
function startSending({ uplink, store, storeOpened }: PipelineParts): void {
  const isEarly = store.epoch === '';
  uplink?.start();
  if (isEarly) void storeOpened?.then(() => uplink?.renew('the store is open now'));
}

/** A part that was pulled out can't be closed; what was read of it is committed all the same. */
async function tried(what: string, stop: Promise<void>, log: Log): Promise<void> {
  try {
    await stop;
  } catch (error) {
    log('warn', 'pipeline', `${what} did not stop cleanly: ${(error as Error).message}`);
  }
}

/** A disk that refuses must not hold up the end: what it doesn't take is a gap after the next start. */
async function flushInTime(store: Store, clock: RuntimeClock, log: Log): Promise<void> {
  await new Promise<void>((resolve) => {
    const timer = clock.after(STOP_GRACE_MS, () => {
      const { pendingRows } = store.status();
      log('error', 'pipeline', `the disk doesn't take ${pendingRows} rows: stopping without them`);
      resolve();
    });
    void store.flush().then(() => {
      timer.cancel();
      resolve();
    });
  });
}

function noteMotion(sampler: Sampler, log: Log, state: 'still' | 'moving'): void {
  if (!sampler.send({ kind: 'setMotion', state })) {
    log(
      'warn',
      'pipeline',
      `the sampler's inbox is full: '${state}' was dropped, the next change will tell it`,
    );
  }
}

function statusOf(
  { config, store, uplink, clock, calibrations }: PipelineParts,
  sampler: Sampler,
  anchors: AnchorKeeper,
): PipelineStatus {
  return {
    name: config.name,
    parts: sampler.status(),
    store: store.status(),
    uplink: uplink?.status(),
    time: timeStatus(clock, anchors),
    ...(calibrations && { calibrations: inUseByPart(config, calibrations) }),
    residentBytes: process.memoryUsage.rss(),
  };
}

function inUseByPart({ parts }: NodeConfig, calibrations: Calibrations) {
  const all = parts.map(({ id }) => [id, calibrations.inUse(id)] as const);
  return Object.fromEntries(all.filter(([, inUse]) => inUse.length > 0));
}

function timeStatus(clock: RuntimeClock, anchors: AnchorKeeper): PipelineStatus['time'] {
  const bootNs = clock.nowNs();
  const wall = anchors.at(bootNs);
  return { bootNs, wallNs: wall?.wallNs, uncertaintyNs: wall?.uncertaintyNs };
}
