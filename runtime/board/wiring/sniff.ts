import type { SerialPort, SystemFiles } from '../../../drivers/contract/index.js';
import type { Framer } from '../../../native/types.js';
import { toHalError } from '../errno.js';
import { linuxSystemFiles } from '../linux-system.js';
import type { Wires } from '../types.js';
import type { SurveyDeps } from './surveyed.js';

/** NMEA 0183 bounds a sentence at 82 characters; receivers' own are longer. */
const SENTENCE_MAX_BYTES = 255;
const STEP_MS = 50;
/** A port opens, or says why it doesn't. */
const OPENING_MS = 1_000;
const NS_PER_S = 1e9;

/** What was heard on a port at one rate. */
export interface HeardPort {
  readonly baud: number;
  readonly seconds: number;
  readonly bytes: number;
  /** Of them ASCII that can be printed, CR, LF and TAB. */
  readonly textBytes: number;
  /** NMEA 0183 with a right checksum, and with a wrong one. */
  readonly sentences: number;
  readonly badSentences: number;
  /** Bytes without a stop bit, as the kernel counted them; undefined where it doesn't tell. */
  readonly framingErrors?: number;
  /** `other`: a binary protocol, or any at another rate. */
  readonly looksLike: 'nmea' | 'text' | 'other' | 'nothing';
}

export interface SniffRequest {
  readonly port: string;
  readonly device?: string;
  readonly baud: number;
  readonly seconds: number;
}

/** Listens to a port, and gives the bytes as they come. Writes nothing. Whoever has the port must have let go of it. */
export async function sniff(
  { port: name, device, baud, seconds }: SniffRequest,
  onBytes: (bytes: Uint8Array) => void,
  { wires, deps }: { readonly wires: Wires; readonly deps: SurveyDeps },
  signal: AbortSignal,
): Promise<HeardPort> {
  const files = deps.files ?? linuxSystemFiles();
  const ear = new Ear(deps.native.createFramer('nmea', SENTENCE_MAX_BYTES));
  const port = await wires.rawSerial(name, baud, (bytes) => {
    ear.hear(bytes);
    onBytes(bytes);
  });
  try {
    const before = await framingErrors(device, files);
    const line = listenTo(port, name);
    const { clock } = deps;
    const beganNs = clock.nowNs();
    const passedS = () => Number(clock.nowNs() - beganNs) / NS_PER_S;
    while (!signal.aborted && passedS() < seconds) {
      await clock.delay(STEP_MS);
      line.check(passedS() * 1000 > OPENING_MS);
    }
    const after = await framingErrors(device, files);
    const heard = { baud, seconds: passedS(), ...ear.counts() };
    const errors = before === undefined || after === undefined ? undefined : after - before;
    return {
      ...heard,
      ...(errors === undefined ? {} : { framingErrors: errors }),
      looksLike: looksLike(heard, errors ?? 0),
    };
  } finally {
    await wires.shut(port);
  }
}

/** Throws from `check` what the port says of itself; a port that is only slow to open is waited for. */
function listenTo(port: SerialPort, name: string) {
  let told: { readonly error: Error | undefined } | undefined;
  port.listen(
    () => undefined,
    (error) => {
      told = { error };
    },
  );
  return {
    check(isLate: boolean): void {
      if (told?.error) throw toHalError(told.error, name);
      if (!told && isLate) throw toHalError(new Error('it did not open in time'), name);
    },
  };
}

class Ear {
  #bytes = 0;
  #textBytes = 0;

  constructor(private readonly nmea: Framer) {}

  hear(bytes: Uint8Array): void {
    this.#bytes += bytes.length;
    for (const byte of bytes) if (isText(byte)) this.#textBytes++;
    this.nmea.push(bytes);
  }

  counts() {
    const { frames, badChecksum } = this.nmea.counters;
    return {
      ...{ bytes: this.#bytes, textBytes: this.#textBytes },
      ...{ sentences: frames, badSentences: badChecksum },
    };
  }
}

function isText(byte: number): boolean {
  return (byte >= 0x20 && byte < 0x7f) || byte === 0x0d || byte === 0x0a || byte === 0x09;
}

type Counts = Pick<HeardPort, 'bytes' | 'textBytes' | 'sentences' | 'badSentences'>;

/** Of random bytes 38 % would be text (98 of 256): what is nearly all text is some. */
function looksLike(
  { bytes, textBytes, sentences, badSentences }: Counts,
  errors: number,
): HeardPort['looksLike'] {
  if (bytes === 0 && errors === 0) return 'nothing';
  if (sentences > badSentences) return 'nmea';
  return bytes > 0 && textBytes >= 0.95 * bytes ? 'text' : 'other';
}

/** Where drivers list their ports with counters, by the names of their devices; readable by root alone on most systems. */
const LISTS: readonly (readonly [device: RegExp, file: string])[] = [
  [/^\/dev\/ttyS(\d+)$/, '/proc/tty/driver/serial'],
  [/^\/dev\/ttyAMA(\d+)$/, '/proc/tty/driver/ttyAMA'],
];

/** `0: uart:PL011 rev2 mmio:0x… irq:34 tx:0 rx:120 fe:7 RTS|CTS`: serial_core of the kernel leaves `fe:` out where it is 0. */
async function framingErrors(device: string | undefined, files: SystemFiles): Promise<number | undefined> {
  for (const [pattern, file] of LISTS) {
    const number = pattern.exec(device ?? '')?.[1];
    if (number === undefined) continue;
    const text = await files.read(file).catch(() => ''); // what this kernel doesn't tell is not known
    const line = text.split('\n').find((candidate) => candidate.startsWith(`${number}:`));
    return line === undefined ? undefined : Number(/ fe:(\d+)/.exec(line)?.[1] ?? 0);
  }
  return undefined;
}
