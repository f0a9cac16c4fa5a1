import * as v from 'valibot';
import {
  type Driver,
  defineDriver,
  durationMs,
  HalError,
  type Handles,
  type Identity,
  oneRow,
  type Rows,
  type SerialFrame,
  type SerialPort,
  type StreamDeclaration,
} from '../contract/index.js';
import { parseLine } from './conversion.js';
import { ASK, MAX_LINE_BYTES, RSSI_DBM } from './registers.js';
import { SightingTable } from './sightings.js';

const PROBE_STEP_MS = 100;
const PROBE_MS = 2000;
/** A line that only says rubbish is reported this often, not for each line. */
const COMPLAINT_NS = 60_000_000_000n;

const SIGHTINGS: StreamDeclaration = {
  name: '',
  class: 'event',
  channels: [
    { name: 'tag', quantity: 'identity', type: { kind: 'utf8' } },
    {
      name: 'rssi',
      quantity: 'signalPower',
      type: { kind: 'int' },
      resolution: 1,
      range: [RSSI_DBM.min, RSSI_DBM.max],
    },
    { name: 'badLines', quantity: 'count', type: { kind: 'int' } },
  ],
};

const options = v.strictObject({
  repeatAfter: v.pipe(
    v.optional(durationMs(0, 86_400_000), '30s'),
    v.description('A tag that stays in reach is a row this often, and at once when it comes'),
  ),
});

/** A UHF or BLE reader that says a line a sighting; the protocol is in registers.ts. */
export const tagReader = defineDriver({
  id: 'tag-reader',
  title: 'Tag reader on a serial line: which tags are in reach',
  attachment: 'serial',
  framing: { kind: 'line', maxBytes: MAX_LINE_BYTES },
  baud: 115_200,
  options,
  create: (handles, { repeatAfter }) => new TagReader(handles, repeatAfter),
});

class TagReader implements Driver {
  readonly streams = [SIGHTINGS];
  readonly #handles: Handles['serial'];
  readonly #table: SightingTable;
  /** Since the last row. */
  #badLines = 0;
  #complainedNs: bigint | undefined;

  constructor(handles: Handles['serial'], repeatAfterMs: number) {
    this.#handles = handles;
    this.#table = new SightingTable(repeatAfterMs);
  }

  /** Asks with `?`. A reader that doesn't answer, but names tags, is one too. */
  async probe(): Promise<Identity> {
    const { port, clock } = this.#handles;
    const before = port.counters.bytes;
    let named: Identity | undefined;
    let unnamed: Identity | undefined;
    const stop = port.listen(
      (frames) => {
        for (const frame of frames) {
          const line = parseLine(frame.bytes);
          if (line?.kind === 'tag') unnamed = { model: 'tag reader', details: {} };
          if (line?.kind === 'identity') named = { model: line.model, details: { firmware: line.firmware } };
        }
      },
      () => undefined, // a line that is away stays silent, and that is what is reported
    );
    try {
      await port.write(new TextEncoder().encode(ASK));
      for (let waitedMs = 0; waitedMs < PROBE_MS && !named; waitedMs += PROBE_STEP_MS) {
        await clock.delay(PROBE_STEP_MS);
      }
    } finally {
      stop();
    }
    const identity = named ?? unnamed;
    if (!identity) throw notHeard(port, port.counters.bytes - before);
    return identity;
  }

  /** Nothing to set; tags seen before are forgotten, so each in reach is told anew. */
  async configure(): Promise<void> {
    this.#table.clear();
    this.#badLines = 0;
  }

  async stream(emit: (rows: Rows) => void, onError: (error: Error) => void): Promise<() => Promise<void>> {
    const stop = this.#handles.port.listen(
      (frames) => {
        for (const frame of frames) this.#take(frame, emit, onError);
      },
      (error) => {
        if (error) onError(error);
      },
    );
    return async () => stop();
  }

  #take(frame: SerialFrame, emit: (rows: Rows) => void, onError: (error: Error) => void): void {
    const line = parseLine(frame.bytes);
    if (!line) this.#complain(frame.timeNs, onError);
    if (line?.kind !== 'tag' || !this.#table.isNews(line.tag, frame.timeNs)) return;
    emit(oneRow('', frame.timeNs, [line.tag, line.rssiDbm, this.#badLines]));
    this.#badLines = 0;
  }

  #complain(timeNs: bigint, onError: (error: Error) => void): void {
    this.#badLines++;
    if (this.#complainedNs !== undefined && timeNs - this.#complainedNs < COMPLAINT_NS) return;
    this.#complainedNs = timeNs;
    const { where } = this.#handles.port;
    onError(new HalError('badFrame', where, `a line that is no sighting, or whose checksum is wrong`));
  }
}

function notHeard({ where, baud }: SerialPort, bytes: number): HalError {
  if (bytes > 0) {
    const at = baud === undefined ? '' : ` at ${baud} baud`;
    return new HalError(
      'wrongPart',
      where,
      `${bytes} bytes in ${PROBE_MS} ms${at}, but no line of a tag reader`,
      {
        hint: 'wrong baud rate? Otherwise check the protocol: docs/parts/tag-reader.md',
        mismatch: {
          expected: 'lines of a tag reader',
          found: `${bytes} bytes in ${PROBE_MS} ms, but no such line`,
        },
      },
    );
  }
  return new HalError('noAcknowledge', where, `no answer to '?' in ${PROBE_MS} ms`, {
    hint: "check the reader's power and both lines, TX and RX",
  });
}
