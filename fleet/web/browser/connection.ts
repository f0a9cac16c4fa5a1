/** Between two tries, growing. */
const FIRST_WAIT_MS = 1_000;
const MAX_WAIT_MS = 30_000;

export interface Told {
  readonly topics?: readonly string[];
  readonly reload?: true;
}

/** Follows these topics for as long as the page is open; `onTold` also hears `reload` after each gap in the connection. */
export function follow(
  topics: readonly string[],
  onTold: (told: Told) => void,
  onState: (isOpen: boolean) => void,
): void {
  let waitMs = FIRST_WAIT_MS;
  let hasBeenOpen = false;
  const open = () => {
    const socket = new WebSocket(new URL('/live', location.href.replace(/^http/, 'ws')));
    socket.onopen = () => {
      socket.send(JSON.stringify({ watch: topics }));
      waitMs = FIRST_WAIT_MS;
      onState(true);
      if (hasBeenOpen) onTold({ reload: true });
      hasBeenOpen = true;
    };
    socket.onmessage = ({ data }) => onTold(JSON.parse(data) as Told);
    socket.onclose = () => {
      onState(false);
      setTimeout(open, waitMs * (0.5 + Math.random()));
      waitMs = Math.min(2 * waitMs, MAX_WAIT_MS);
    };
  };
  open();
}
