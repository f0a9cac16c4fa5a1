import { type GpioLineOptions, HalError } from '../../drivers/contract/index.js';
import type { PartConfig } from '../config/types.js';

/** How a GPIO part wants its line requested. */
export function gpioOptions(part: PartConfig): GpioLineOptions {
  if (part.attachment.kind !== 'gpio') throw new HalError('invalid', part.id, 'not a part on a GPIO line');
  const { activeLow, bias, debounceUs } = part.attachment;
  return { direction: part.driver.direction ?? 'in', activeLow, bias, debounceUs };
}

/** Which bus a part shares with others: they take turns. */
export function busKeyOf(part: PartConfig): string {
  const { attachment } = part;
  switch (attachment.kind) {
    case 'i2c':
      return `i2c:${attachment.bus}`;
    case 'serial':
      return `serial:${attachment.port}`;
    case 'gpio':
      return `gpio:${attachment.line}`;
    case 'system':
      return 'system';
  }
}
