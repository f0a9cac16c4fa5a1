import { constants } from 'node:os';
import type { I2cBusModule, PromisedBus } from '../../runtime/board/linux-i2c.js';
import type { MemoryTwin } from './fixture.js';

/**
 * Stands in for npm i2c-bus over memory parts. It keeps the package's known trap: a descriptor is cached before the address is set
 * on it, so after a first call to an address failed, calls to it reach address 0, silently.
 */
export class FakeI2cBus implements I2cBusModule {
  opened = 0;
  closed = 0;
  /** errno names that the coming transfers fail with. */
  failures: string[] = [];
  /** The call that they fail in: `setAddr` where the address itself is refused. */
  failingCall = 'transfer';

  constructor(private readonly parts: ReadonlyMap<number, MemoryTwin>) {}

  async openPromisified(): Promise<PromisedBus> {
    this.opened++;
    const spoilt = new Set<number>();
    const proven = new Set<number>();
    const call = async <T>(address: number, task: (part: MemoryTwin) => T): Promise<T> => {
      const code = this.failures.shift();
      const part = this.parts.get(address);
      if (part && part.faults.stretchMs > 0) await new Promise((r) => setTimeout(r, part.faults.stretchMs));
      if (code !== undefined || !part) {
        if (!proven.has(address)) spoilt.add(address);
        throw errnoError(code ?? 'EREMOTEIO', this.failingCall);
      }
      if (spoilt.has(address)) throw new Error(`reached address 0 in place of ${address}`);
      proven.add(address);
      return task(part);
    };
    return {
      i2cRead: (address, length, buffer) =>
        call(address, (part) => {
          buffer.set(part.read(length));
          return { bytesRead: length, buffer };
        }),
      i2cWrite: (address, length, buffer) => call(address, (part) => part.write(buffer.subarray(0, length))),
      readI2cBlock: (address, register, length, buffer) =>
        call(address, (part) => {
          part.write(Uint8Array.of(register));
          buffer.set(part.read(length));
          return { bytesRead: length, buffer };
        }),
      writeI2cBlock: (address, register, length, buffer) =>
        call(address, (part) => part.write(Uint8Array.of(register, ...buffer.subarray(0, length)))),
      close: async () => {
        this.closed++;
      },
    };
  }
}

/** EREMOTEIO, which Node has no name for: Nan::ErrnoException leaves its `code` empty. */
const EREMOTEIO = 121;

/** As Nan::ErrnoException makes it. */
function errnoError(name: string, syscall: string): Error {
  const errno = constants.errno[name as keyof typeof constants.errno] ?? EREMOTEIO;
  const code = errno === EREMOTEIO ? '' : name;
  return Object.assign(new Error(`${code}, ${syscall}`), { code, errno, syscall });
}
