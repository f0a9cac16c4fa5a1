import type { RuntimeClock, WallClock } from '../../clock/types.js';
import type { Log } from '../../log.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { StoreDeps } from '../../store/index.js';
import type { MqttConnect } from '../../uplink/index.js';
import type { FlightShape } from './record.js';
import { type FlightOut, Recorder } from './recorder.js';
import { recordedConnect, recordedDisk, Tally } from './taps.js';
import { Vitals } from './vitals.js';

export { FlightFiles, latestDump } from './files.js';
export { type FlightEvent, type FlightLine, type FlightShape, parseFlight } from './record.js';
export type { FlightOut } from './recorder.js';

export interface FlightOptions {
  readonly out: FlightOut;
  readonly clock: RuntimeClock;
  readonly wall: Pick<WallClock, 'pair'>;
  /** The longest that the event loop was late since it was asked last, ms. */
  readonly lateMs: () => number;
  readonly software: string;
  readonly shape: FlightShape;
  /** The run before this one did not end in order, and left a dump. */
  readonly afterDump: boolean;
  readonly log: (level: 'warn', text: string) => void;
}

/** A node's flight recorder: taps at the borders where its world comes in, and a look at its status once a second. */
export class Flight {
  readonly #recorder: Recorder;
  readonly #tally = new Tally();
  #vitals: Vitals | undefined;

  constructor(private readonly options: FlightOptions) {
    const { clock, out, log, software, shape, afterDump } = options;
    this.#recorder = new Recorder(() => clock.nowNs(), out, log);
    this.#recorder.head({ e: 'start', software, shape, afterDump });
  }

  disk(deps: StoreDeps): StoreDeps {
    return recordedDisk(deps, this.#recorder, this.#tally);
  }

  connect(connect: MqttConnect): MqttConnect {
    return recordedConnect(connect, this.#recorder, this.#tally);
  }

  /** Warnings and errors are what the node decided, in its own words. */
  log(log: Log): Log {
    return (level, module, text) => {
      if (level === 'warn' || level === 'error') this.#recorder.note({ e: 'log', level, module, text });
      log(level, module, text);
    };
  }

  watch(status: () => PipelineStatus): void {
    const { clock, wall, lateMs } = this.options;
    const [recorder, tally] = [this.#recorder, this.#tally];
    this.#vitals = new Vitals({ recorder, tally, clock, wall, status, lateMs });
    this.#vitals.start();
  }

  /** What happened in this second so far is told too. */
  look(): void {
    this.#vitals?.look(true);
  }

  stop(why: string): void {
    this.#vitals?.stop();
    this.#vitals = undefined;
    this.#recorder.note({ e: 'stop', why });
  }
}
