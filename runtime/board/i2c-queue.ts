import {
  HalError,
  halErrorKind,
  I2C_MAX_BYTES,
  type I2cBus,
  i2cWhere,
} from '../../drivers/contract/index.js';
import type { After } from './deps.js';
import { toHalError } from './errno.js';
import type { Supply } from './i2c-supply.js';

export type I2cTransfer =
  | { readonly kind: 'read'; readonly length: number }
  | { readonly kind: 'write'; readonly bytes: Uint8Array }
  | { readonly kind: 'readRegisters'; readonly register: number; readonly length: number }
  | { readonly kind: 'writeRegisters'; readonly register: number; readonly bytes: Uint8Array };

/** A bus that does one checked transfer at a time; whatever it throws, QueuedI2cBus names and sorts. */
export interface RawI2c {
  transfer(address: number, transfer: I2cTransfer): Promise<Uint8Array>;
  /** Tries to free the bus; true when a transfer may be tried again. */
  recover(): Promise<boolean>;
  close(): Promise<void>;
}

/** An I2C bus whose stuck lines can be clocked free, as far as its backend is able to. */
export interface RecoverableI2cBus extends I2cBus {
  recover(): Promise<boolean>;
}

/** So many transfers in a row, of whatever parts, that end in a timeout: it is the bus that is stuck. */
const MAX_TIMEOUTS = 3;
/** Transfers that wait at most; one more is refused with `busy`. */
const MAX_WAITING = 64;
const NOTHING = new Uint8Array(0);

/**
 * One queue a bus: transfers run one at a time, in the order of the calls, each bounded in time. A transfer that doesn't come back
 * holds a thread of libuv's pool, so no second one is sent until it does: meanwhile its own part gets `timeout` at once, others `busy`.
 */
export class QueuedI2cBus implements RecoverableI2cBus {
  #tail: Promise<unknown> = Promise.resolve();
  #waiting = 0;
  #hung: { readonly where: string; readonly back: Promise<void> } | undefined;
  #closed = false;
  #timeouts = 0;
  #timesFreed = 0;

  constructor(
    readonly name: string,
    private readonly raw: RawI2c,
    private readonly timeoutMs: number,
    private readonly after: After,
    private readonly supply?: Supply,
  ) {}

  read(address: number, length: number): Promise<Uint8Array> {
    return this.#enqueue(address, { kind: 'read', length });
  }

  async write(address: number, bytes: Uint8Array): Promise<void> {
    await this.#enqueue(address, { kind: 'write', bytes });
  }

  readRegisters(address: number, register: number, length: number): Promise<Uint8Array> {
    return this.#enqueue(address, { kind: 'readRegisters', register, length });
  }

  async writeRegisters(address: number, register: number, bytes: Uint8Array): Promise<void> {
    await this.#enqueue(address, { kind: 'writeRegisters', register, bytes });
  }

  /** Clocks first, then the supply, where there is a switch for it. False while nothing helped: a line is held, a transfer hangs. */
  async recover(): Promise<boolean> {
    if (this.#closed) return false;
    const seen = this.#timesFreed;
    return this.#inTurn(async () => {
      if (this.#timesFreed !== seen) return true; // another part of the bus asked first
      const isFree = (await this.#clockFree()) || ((await this.supply?.cycle()) ?? false);
      if (isFree) this.#timesFreed++;
      return isFree;
    });
  }

  async #clockFree(): Promise<boolean> {
    return !this.#hung && this.#bounded(this.name, this.raw.recover());
  }

  /** Waits for the transfer under way, at most its bound; a hung one is closed when it comes back. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#tail;
    await this.supply?.close();
    if (this.#hung)
      this.#hung.back.then(() => this.raw.close()).catch(() => NOTHING); // nobody is left to be told
    else await this.raw.close();
  }

  async #enqueue(address: number, transfer: I2cTransfer): Promise<Uint8Array> {
    const where = i2cWhere(this.name, address);
    check(where, transfer);
    if (this.#waiting >= MAX_WAITING) {
      throw new HalError('busy', where, `${MAX_WAITING} transfers wait for this bus already`, {
        hint: 'poll its parts less often',
      });
    }
    return this.#inTurn(() => this.#run(where, address, transfer));
  }

  #inTurn<T>(task: () => Promise<T>): Promise<T> {
    this.#waiting++;
    const result = this.#tail.then(task).finally(() => this.#waiting--);
    this.#tail = result.catch(() => NOTHING); // the caller has the error; the queue only needs the end
    return result;
  }

  async #run(where: string, address: number, transfer: I2cTransfer): Promise<Uint8Array> {
    if (this.#closed) throw new HalError('invalid', where, 'the bus is closed');
    if (this.#hung) throw hangs(this.#hung.where, where);
    const bytes = await this.#judged(where, this.#bounded(where, this.raw.transfer(address, transfer)));
    const wanted = 'length' in transfer ? transfer.length : 0;
    if (bytes.length !== wanted) {
      throw new HalError('io', where, `${bytes.length} bytes came where ${wanted} were asked for`);
    }
    return bytes;
  }

  /** A part that is slow once is its own fault; where nothing ends any more, the bus is stuck. */
  async #judged<T>(where: string, call: Promise<T>): Promise<T> {
    try {
      const result = await call;
      this.#timeouts = 0;
      return result;
    } catch (error) {
      if (halErrorKind(error) !== 'timeout') this.#timeouts = 0;
      else if (++this.#timeouts >= MAX_TIMEOUTS) throw stuck(where, this.#timeouts, error);
      throw error;
    }
  }

  #bounded<T>(where: string, call: Promise<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const cancel = this.after(this.timeoutMs, () => {
        this.#holdUntil(call, where);
        reject(new HalError('timeout', where, `no end of the transfer within ${this.timeoutMs} ms`));
      });
      call.then(resolve, (error) => reject(toHalError(error, where))).finally(cancel);
    });
  }

  #holdUntil(call: Promise<unknown>, where: string): void {
    const free = () => {
      this.#hung = undefined;
    };
    this.#hung = { where, back: call.then(free, free) }; // its result came too late for anybody
  }
}

function stuck(where: string, timeouts: number, cause: unknown): HalError {
  return new HalError('busStuck', where, `the last ${timeouts} transfers on this bus timed out`, {
    cause,
    hint: 'a part holds the clock or the data line: cut its supply, or take the parts off one by one',
  });
}

/** A part isn't to blame for the one that holds its bus. */
function hangs(culprit: string, where: string): HalError {
  const kind = culprit === where ? 'timeout' : 'busy';
  return new HalError(kind, where, `an earlier transfer to ${culprit} still hangs on this bus`, {
    hint: 'that part holds the clock; others on the bus wait until it lets go',
  });
}

function check(where: string, transfer: I2cTransfer): void {
  const fail = (what: string) => {
    throw new HalError('invalid', where, what);
  };
  if ('register' in transfer && !isByte(transfer.register)) fail(`no register ${transfer.register}`);
  if ('length' in transfer && !isCount(transfer.length, I2C_MAX_BYTES)) {
    fail(`cannot read ${transfer.length} bytes: 1 to ${I2C_MAX_BYTES} are possible`);
  }
  const most = transfer.kind === 'writeRegisters' ? I2C_MAX_BYTES - 1 : I2C_MAX_BYTES;
  if ('bytes' in transfer && !isCount(transfer.bytes.length, most)) {
    fail(`cannot write ${transfer.bytes.length} bytes: 1 to ${most} are possible`);
  }
}

function isByte(n: number): boolean {
  return Number.isInteger(n) && n >= 0 && n <= 0xff;
}

function isCount(n: number, most: number): boolean {
  return Number.isInteger(n) && n >= 1 && n <= most;
}
