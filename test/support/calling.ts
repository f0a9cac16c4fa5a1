import { type Calling, LOCAL } from '../../runtime/console/command.js';

/** A caller from the shell, not at a terminal; what is asked is answered by `typed`, line by line. */
export function callingOf(
  said: { out(text: string): unknown; err(text: string): unknown },
  change: Partial<Calling> & { readonly typed?: readonly string[] } = {},
): Calling {
  const { typed = [], ...rest } = change;
  const lines = [...typed];
  const terminal = {
    out: (text: string) => void said.out(text),
    err: (text: string) => void said.err(text),
    interactive: false,
    columns: 80,
    drained: async () => undefined,
    ask: async () => lines.shift(),
  };
  return { terminal, caller: LOCAL, signal: new AbortController().signal, ...rest };
}
