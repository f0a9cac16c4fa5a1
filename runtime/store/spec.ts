import { STREAM_NAME } from '../../wire/index.js';
import { StoreError } from './error.js';
import type { StreamSpec } from './types.js';

const MAX_CHANNELS = 64;

/** Throws where no store could take such a stream. */
export function checkSpec({ name, channels }: StreamSpec): void {
  if (STREAM_NAME.test(name) && channels.length > 0 && channels.length <= MAX_CHANNELS) return;
  throw new StoreError('invalid', name, `no name of a stream, or not 1 to ${MAX_CHANNELS} channels`);
}
