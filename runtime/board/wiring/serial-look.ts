import * as v from 'valibot';
import {
  type Attachment,
  type DriverDefinition,
  HalError,
  type Identity,
  type SerialFrame,
  type SerialPort,
  type SystemFiles,
} from '../../../drivers/contract/index.js';
import type { Framer } from '../../../native/types.js';
import type { PartConfig } from '../../config/types.js';
import type { BoardSetup } from '../deps.js';
import { toHalError } from '../errno.js';
import type { Wires } from '../types.js';
import type { WiringFault } from './fault.js';
import { diagnoseSerial, type Heard } from './serial-lines.js';
import type { Surveyed } from './surveyed.js';

/** Rates that parts are found at, the usual ones first. */
const RATES = [9600, 115_200, 38_400, 4800, 57_600, 19_200, 230_400, 460_800] as const;
/** Receivers speak once a second; two of their bursts are in this for certain. */
const LISTEN_MS = 2200;
const STEP_MS = 100;
/** The first question ends what the part took another rate for; the second one it understands. */
const ASK_MS = 1000;
const MAX_HEARD_BYTES = 16_384;
const MAX_DEVICES = 8;

type SerialDriver = DriverDefinition<Attachment>;

/**
 * Listens on the port of a part that doesn't answer as itself: at its own rate, then at the usual ones, until some driver knows what it hears.
 * Nothing is written but what the part's own driver asks it with. `part` is closed meanwhile.
 */
export async function explainPort(
  part: PartConfig,
  { config, registry: { drivers }, wires, deps: { signal } }: Surveyed,
  files: SystemFiles,
  setup: BoardSetup,
): Promise<WiringFault> {
  if (part.attachment.kind !== 'serial')
    throw new HalError('invalid', part.id, 'not a part on a serial port');
  const { port: name, baud } = part.attachment;
  const { device = name, pins = [] } = config.board.serial[name] ?? {};
  const asks = await questionOf(part, setup);
  const heard: Heard[] = [];
  let closed: HalError | undefined;
  for (const rate of [...new Set([baud, ...RATES])]) {
    const listening = new Listening(part, drivers, wires, setup);
    closed = await listening.run(name, rate, asks, signal);
    if (closed || signal?.aborted) break;
    heard.push({
      baud: rate,
      bytes: listening.count,
      ...(listening.device ? { device: listening.device } : {}),
    });
    if (listening.device) break;
  }
  const evidence = { part: part.id, driver: part.driver.id, port: { name, device, pins }, baud, heard };
  return diagnoseSerial({
    ...evidence,
    asked: asks.length > 0,
    ...(closed ? { closed, devices: await serialDevices(files) } : {}),
  });
}

/** Ports with hardware behind them. */
export async function serialDevices(files: SystemFiles): Promise<readonly string[]> {
  const names = await files.list('/sys/class/tty').catch(() => []);
  return names
    .filter((name) => /^tty(AMA|USB|ACM|S[0-9]|mxc|O|THS|PS)/.test(name))
    .slice(0, MAX_DEVICES)
    .map((name) => `/dev/${name}`);
}

/** One port, open at one rate. */
class Listening {
  count = 0;
  device: Heard['device'];
  readonly #bytes: number[] = [];
  /** So many bytes were there when the drivers heard them last. */
  #judged = 0;

  constructor(
    private readonly part: PartConfig,
    private readonly drivers: readonly SerialDriver[],
    private readonly wires: Wires,
    private readonly setup: BoardSetup,
  ) {}

  /** Undefined, or why the port does not open. */
  async run(
    name: string,
    baud: number,
    asks: Uint8Array,
    signal?: AbortSignal,
  ): Promise<HalError | undefined> {
    try {
      const port = await this.wires.rawSerial(name, baud, (bytes) => this.#take(bytes));
      try {
        return await this.#listen(port, name, asks, signal);
      } finally {
        await this.wires.shut(port);
      }
    } catch (error) {
      return toHalError(error, name);
    }
  }

  async #listen(
    port: SerialPort,
    name: string,
    asks: Uint8Array,
    signal?: AbortSignal,
  ): Promise<HalError | undefined> {
    const line: { told?: { readonly error: Error | undefined } } = {};
    const stop = port.listen(
      () => undefined,
      (error) => {
        line.told = { error };
      },
    );
    try {
      for (let waitedMs = 0; waitedMs < LISTEN_MS && !this.device; waitedMs += STEP_MS) {
        await this.setup.clock.delay(STEP_MS);
        if (signal?.aborted) return undefined;
        if (line.told?.error) return toHalError(line.told.error, name);
        if (asks.length > 0 && line.told && waitedMs % ASK_MS === 0) await port.write(asks);
        await this.#judge();
      }
      return undefined;
    } finally {
      stop();
    }
  }

  #take(chunk: Uint8Array): void {
    this.count += chunk.length;
    this.#bytes.push(...chunk);
    this.#bytes.splice(0, Math.max(0, this.#bytes.length - MAX_HEARD_BYTES));
  }

  /** Lets every serial driver hear what came; the part's own first. */
  async #judge(): Promise<void> {
    if (this.count === this.#judged) return;
    this.#judged = this.count;
    const bytes = Uint8Array.from(this.#bytes);
    const others = this.drivers.filter(
      ({ id, attachment }) => attachment === 'serial' && id !== this.part.driver.id,
    );
    for (const driver of [this.part.driver, ...others]) {
      const identity = await hearAs(driver, this.part, bytes, this.setup);
      if (!identity) continue;
      this.device = { driver: driver.id, model: identity.model };
      return;
    }
  }
}

/** What a driver's own probe makes of recorded bytes; no time passes and nothing leaves. */
async function hearAs(
  driver: SerialDriver,
  part: PartConfig,
  bytes: Uint8Array,
  setup: BoardSetup,
): Promise<Identity | undefined> {
  const options = driver.id === part.driver.id ? part.options : v.safeParse(driver.options, {}).output;
  const recorded = new RecordedPort(driver, bytes, setup);
  const clock = { nowNs: () => setup.clock.nowNs(), delay: async () => undefined };
  try {
    return await driver.create({ port: recorded, clock }, options).probe();
  } catch (error) {
    if (error instanceof HalError) return undefined;
    throw error;
  }
}

/** What the part's own driver writes to find its part. */
async function questionOf(part: PartConfig, setup: BoardSetup): Promise<Uint8Array> {
  const recorded = new RecordedPort(part.driver, new Uint8Array(0), setup);
  const clock = { nowNs: () => setup.clock.nowNs(), delay: async () => undefined };
  await part.driver
    .create({ port: recorded, clock }, part.options)
    .probe()
    .catch(() => undefined); // nobody answers there
  return Uint8Array.from(recorded.written);
}

/** A port that says what was heard before, once, framed as a driver wants it. */
class RecordedPort implements SerialPort {
  readonly where = 'recording';
  readonly written: number[] = [];
  readonly #framer: Framer;

  constructor(
    driver: SerialDriver,
    private readonly bytes: Uint8Array,
    private readonly setup: BoardSetup,
  ) {
    if (!driver.framing) throw new HalError('invalid', driver.id, 'not a driver on a serial line');
    this.#framer = setup.native.createFramer(driver.framing.kind, driver.framing.maxBytes);
  }

  get counters() {
    return { ...this.#framer.counters, reopens: 0 };
  }

  async write(bytes: Uint8Array): Promise<void> {
    this.written.push(...bytes);
  }

  listen(onFrames: (frames: readonly SerialFrame[]) => void): () => void {
    const timeNs = this.setup.clock.nowNs();
    onFrames(this.#framer.push(this.bytes).map((bytes) => ({ timeNs, bytes })));
    return () => undefined;
  }

  async close(): Promise<void> {}
}
