import * as v from 'valibot';
import { type Calibration, type Calibrations, draftSchema } from '../calibrations.js';
import type { RuntimeClock } from '../clock/index.js';
import { recordEvent } from '../events.js';
import type { Pipeline } from '../pipeline.js';
import type { Store } from '../store/index.js';

export interface CalibrationParts {
  readonly calibrations: Calibrations;
  readonly pipeline: Pipeline;
  readonly store: Store;
  readonly clock: RuntimeClock;
}

/** What became of a request to calibrate a part, or to take a calibration back. */
export interface Calibrated {
  readonly what: 'made' | 'undone';
  readonly part: string;
  readonly calibration: Calibration;
  /** What corrects the part's rows from now on. */
  readonly inUse: readonly Calibration[];
  /** It is on the disk all the same: why it is not in use yet, or why the event that tells it is not kept. */
  readonly trouble?: string;
}

const PART = v.strictObject({ part: v.string() });

const UNDO = v.strictObject({
  part: v.string(),
  channel: v.optional(v.string()),
  by: v.pipe(v.string(), v.maxLength(64)),
});

/** Handlers of the control socket: on the disk first, then in use, then told as an event. A node that is killed between has it, whole, or has it not. */
export function calibrationRequests(parts: CalibrationParts) {
  const { calibrations, pipeline } = parts;
  return {
    calibrations: () => calibrations.all(),
    streams: (params: unknown) => pipeline.seen.streamsOf(v.parse(PART, params).part),
    calibrate: (params: unknown) => {
      const draft = v.parse(draftSchema, params);
      refuseUnfit(pipeline, draft);
      const calibration = calibrations.add(draft, momentOf(parts, draft.part));
      return take(parts, draft.by, { what: 'made', part: draft.part, calibration });
    },
    uncalibrate: (params: unknown) => {
      const { part, channel, by } = v.parse(UNDO, params);
      const calibration = calibrations.undo(part, channel);
      if (!calibration) throw new Error(`${part} has no calibration${channel ? ` of ${channel}` : ''}`);
      return take(parts, by, { what: 'undone', part, calibration });
    },
  };
}

async function take(
  parts: CalibrationParts,
  by: string,
  done: Pick<Calibrated, 'what' | 'part' | 'calibration'>,
): Promise<Calibrated> {
  const { calibrations, pipeline, store, clock } = parts;
  const inUse = calibrations.inUse(done.part);
  const marks = inUse.map(({ mark }) => mark);
  try {
    pipeline.recalibrate(done.part);
    await recordEvent(store, clock, {
      ...{ kind: 'calibration', by, text: JSON.stringify({ ...done, inUse: marks }) },
    });
    return { ...done, inUse };
  } catch (error) {
    return { ...done, inUse, trouble: (error as Error).message };
  }
}

/** The channels are the part's, and measure something. */
function refuseUnfit(
  { seen }: Pipeline,
  { part, stream, channels }: v.InferOutput<typeof draftSchema>,
): void {
  const own = seen.streamsOf(part).find(({ name }) => name === stream);
  if (!own) throw new Error(`${part} has no stream '${stream}' now`);
  const known = own.channels.filter(({ type: { kind } }) => kind === 'decimal' || kind === 'f64');
  for (const name of channels)
    if (!known.some((channel) => channel.name === name))
      throw new Error(`${stream} has no channel '${name}' that could be calibrated`);
}

function momentOf({ pipeline, store }: CalibrationParts, part: string) {
  const { bootNs, wallNs } = pipeline.status().time;
  const cells = pipeline.seen.latest().flatMap(({ partId, cells }) => (partId === part ? cells : []));
  const own = cells.find(({ unit, quality }) => unit === 'Cel' && quality === 'good')?.value;
  return {
    boot: store.boot,
    bootNs: bootNs.toString(),
    ...(wallNs !== undefined && { wallNs: wallNs.toString() }),
    ...(typeof own === 'number' && { temperatureCelsius: own }),
  };
}
