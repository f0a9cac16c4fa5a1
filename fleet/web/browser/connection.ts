/** Between two tries, growing. */
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;

export interface Told {
  readonly topics?: readonly string[];
  readonly reload?: true;
}

/** Follows these topics for as long as the page is open; `onTold` also hears `reload` whenever it begins to follow: what came before it isn't told. */
export function follow(
  topics: readonly string[],
  onTold: (told: Told) => void,
  onState: (isOpen: boolean) => void,
): void {
  let waitMs = FIRST_WAIT_MS;
  const open = () => {
    let openedMs = Number.POSITIVE_INFINITY;
    const socket = new WebSocket(new URL('/live', location.href.replace(/^http/, 'ws')));
    socket.onopen = () => {
      socket.send(JSON.stringify({ watch: topics }));
      openedMs = Date.now();
      onState(true);
      onTold({ reload: true });
    };
    socket.onmessage = ({ data }) => onTold(JSON.parse(data) as Told);
    socket.onclose = () => {
      onState(false);
      // One that is full, or turns us away, closes at once.
      if (Date.now() - openedMs > MAX_WAIT_MS) waitMs = FIRST_WAIT_MS;
      setTimeout(open, waitMs * (0.5 + Math.random()));
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
    };
  };
  open();
}
