import * as v from 'valibot';
import {
  type Driver,
  defineDriver,
  HalError,
  type Handles,
  type Identity,
  type Rows,
  type SerialFrame,
  type SerialPort,
} from '../contract/index.js';
import { Calendar } from './calendar.js';
import { parseSentence } from './conversion.js';
import { type Epoch, EpochAssembler } from './epoch.js';
import { FIX_STREAM, fixRow, SKY_STREAM, skyRow } from './rows.js';
import { SkyCollector } from './sky.js';

const PROBE_STEP_MS = 100;
/** Receivers speak once a second by default; the sampler gives up after five. */
const PROBE_MS = 4000;
const DATE = 'a date such as 2024-01-01 is wanted';

const options = v.strictObject({
  earliestDate: v.pipe(
    v.optional(v.pipe(v.string(DATE), v.isoDate(DATE)), '2024-01-01'),
    v.description(
      'No fix is older than this day: an earlier date is a GPS week roll-over and gets 1024 weeks',
    ),
  ),
});

/** Any receiver that says NMEA 0183 by itself: nothing is written to it. */
export const gnss = defineDriver({
  id: 'gnss',
  title: 'GNSS receiver, NMEA 0183: position, speed, time, satellites',
  attachment: 'serial',
  framing: { kind: 'nmea', maxBytes: 256 },
  baud: 9600,
  options,
  create: (handles, { earliestDate }) => new Gnss(handles, Date.parse(earliestDate)),
});

class Gnss implements Driver {
  readonly streams = [FIX_STREAM, SKY_STREAM];
  readonly #handles: Handles['serial'];
  readonly #calendar: Calendar;
  readonly #epochs = new EpochAssembler();
  readonly #sky = new SkyCollector();

  constructor(handles: Handles['serial'], earliestMs: number) {
    this.#handles = handles;
    this.#calendar = new Calendar(earliestMs);
  }

  /** Listens for one sentence. `wrongPart`: bytes came, but no sentence; `noAcknowledge`: nothing came. */
  async probe(): Promise<Identity> {
    const { port, clock } = this.#handles;
    let address: string | undefined;
    const before = port.counters.bytes;
    const stop = port.listen(
      (frames) => {
        for (const frame of frames) address ??= parseSentence(frame.bytes)?.address;
      },
      () => undefined, // a line that is away stays silent, and that is what is reported
    );
    for (let waitedMs = 0; waitedMs < PROBE_MS && !address; waitedMs += PROBE_STEP_MS) {
      await clock.delay(PROBE_STEP_MS);
    }
    stop();
    if (!address) throw nothingHeard(port, port.counters.bytes - before);
    return { model: 'GNSS receiver', details: { protocol: 'NMEA 0183', talker: address.slice(0, 2) } };
  }

  /** Nothing to set: the receiver keeps its own settings. */
  async configure(): Promise<void> {
    this.#reset();
  }

  async stream(emit: (rows: Rows) => void, onError: (error: Error) => void): Promise<() => Promise<void>> {
    const stop = this.#handles.port.listen(
      (frames) => {
        for (const frame of frames) this.#take(frame, emit);
      },
      (error) => {
        this.#reset();
        if (error) onError(error);
      },
    );
    return async () => stop();
  }

  #take(frame: SerialFrame, emit: (rows: Rows) => void): void {
    const sentence = parseSentence(frame.bytes);
    if (!sentence) return;
    if (sentence.formatter === 'GSV') this.#sky.push(sentence, frame.timeNs);
    else for (const epoch of this.#epochs.push(sentence, frame.timeNs)) this.#tell(epoch, emit);
  }

  #tell(epoch: Epoch, emit: (rows: Rows) => void): void {
    if (!epoch.fix) return; // only GSA, VTG or ZDA: nothing says whether there is a fix
    emit(fixRow(epoch, this.#calendar.utc(epoch)));
    const sky = this.#sky.take();
    if (sky) emit(skyRow(sky, epoch));
  }

  #reset(): void {
    this.#epochs.reset();
    this.#sky.reset();
    this.#calendar.reset();
  }
}

function nothingHeard({ where, baud }: SerialPort, bytes: number): HalError {
  if (bytes > 0) {
    const at = baud === undefined ? '' : ` at ${baud} baud`;
    return new HalError('wrongPart', where, `${bytes} bytes in ${PROBE_MS} ms${at}, but no NMEA sentence`, {
      hint: 'wrong baud rate? A receiver set to a binary protocol has to be set to NMEA 0183',
      mismatch: {
        expected: 'NMEA 0183 sentences',
        found: `${bytes} bytes in ${PROBE_MS} ms, but no sentence`,
      },
    });
  }
  return new HalError('noAcknowledge', where, `nothing heard in ${PROBE_MS} ms`, {
    hint: "check the receiver's power, and that its TX goes to the node's RX",
  });
}
