import type { GpioChipInfo, GpioLineInfo, NativeGpioLine, NativeGpioRequest } from '../../native/types.js';
import type { BoardNative } from '../../runtime/board/deps.js';

type OnEdges = (timesNs: BigInt64Array, rising: Uint8Array, lost: number) => void;

/** Stands in for the C add-on's GPIO: two chips, lines with names, one of them held by somebody else. */
export class FakeGpio implements Pick<BoardNative, 'gpioChips' | 'gpioLines' | 'gpioOpen'> {
  readonly requests: NativeGpioRequest[] = [];
  open = 0;
  level: 0 | 1 = 0;
  #watcher: { onEdges: OnEdges; onError: (error: Error) => void; activeLow: boolean } | undefined;
  #there = true;
  #timeNs = 0n;

  gpioChips(): readonly GpioChipInfo[] {
    if (!this.#there) return [];
    return [
      { path: '/dev/gpiochip0', name: 'gpiochip0', label: 'brcmvirt-gpio', lines: 2 },
      { path: '/dev/gpiochip4', name: 'gpiochip4', label: 'pinctrl-rp1', lines: 4 },
    ];
  }

  gpioLines(chipPath: string): readonly GpioLineInfo[] {
    if (chipPath !== '/dev/gpiochip4') return [line(0, ''), line(1, '')];
    return [line(0, 'ID_SDA'), line(1, 'GPIO17'), line(2, 'GPIO5', 'spi0 CS1'), line(3, '')];
  }

  gpioOpen(
    chipPath: string,
    request: NativeGpioRequest,
    onEdges?: OnEdges,
    onError: (error: Error) => void = () => undefined,
  ): NativeGpioLine {
    const info = this.gpioLines(chipPath)[request.offset]!;
    if (info.used) throw Object.assign(new Error('Device or resource busy'), { code: 'EBUSY' });
    if (this.open > 0) throw Object.assign(new Error('one request a line'), { code: 'EBUSY' });
    this.requests.push(request);
    this.open++;
    if (onEdges) this.#watcher = { onEdges, onError, activeLow: request.activeLow };
    return {
      read: () => logical(this.level, request.activeLow),
      write: (level) => {
        this.level = logical(level, request.activeLow);
      },
      close: () => {
        this.open--;
        this.#watcher = undefined;
      },
    };
  }

  /** As the add-on tells it: read of the line's descriptor ends in ENODEV. */
  vanish(): void {
    this.#there = false;
    this.#watcher?.onError(Object.assign(new Error('ENODEV: no such device, read'), { code: 'ENODEV' }));
  }

  comeBack(): void {
    this.#there = true;
  }

  drive(level: 0 | 1): void {
    if (level === this.level) return;
    this.level = level;
    const rising = Uint8Array.of(logical(level, this.#watcher?.activeLow ?? false));
    this.#watcher?.onEdges(BigInt64Array.of(this.#timeNs++), rising, 0);
  }
}

function line(offset: number, name: string, consumer = ''): GpioLineInfo {
  return { offset, name, consumer, used: consumer !== '' };
}

function logical(level: 0 | 1, activeLow: boolean): 0 | 1 {
  return activeLow ? (level === 0 ? 1 : 0) : level;
}
