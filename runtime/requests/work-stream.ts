import { type Heard, Listener } from '../tap.js';

/** Of what a piece of work says, so much waits for a slow listener. */
const QUEUE_MAX = 256;

/**
 * What a piece of work says on its way, as it says it, until it ends; a failure of it is thrown then. Whoever stops listening (`return`) ends
 * it by its signal. A slow listener loses the oldest, and is told how many.
 */
export function workStream<T>(
  work: (say: (item: T) => void, signal: AbortSignal) => Promise<void>,
): AsyncIterableIterator<Heard<T>> {
  const end = new AbortController();
  const listener = new Listener<T>(
    QUEUE_MAX,
    () => true,
    () => end.abort(),
  );
  work((item) => listener.push(item), end.signal).then(
    () => listener.finish(),
    (error: unknown) => listener.finish(error),
  );
  return listener;
}
