import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { open } from '../../runtime/console/journal/index.js';
import { login } from '../../runtime/console/login/session.js';
import { loginState } from '../../runtime/console/login/state.js';
import { openLine, Session, systemTime } from '../../runtime/console/session/index.js';
import { NODE, owner } from './grant-vectors.js';

/** A console of a real process, with its state on the disk; only its waits take no time. Ends when its line does, or when it is killed. */
const [folder = ''] = process.argv.slice(2);
const session = new Session({ line: openLine().line, clock: systemTime });
const journal = open(join(folder, 'journal'), {
  now: () => ({ boot: String(process.pid), bootMs: Math.round(performance.now()) }),
  sign: async () => undefined,
  log: (text) => process.stderr.write(`${text}\n`),
});
const { ownerKey: _, ...state } = loginState(folder);
let isUp = true;
while (isUp) {
  await login(
    {
      node: NODE,
      ownerKey: owner.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
      secret: undefined,
    },
    {
      ...state,
      readLine: async (timeoutMs) => {
        const line = await session.readLine('', { timeoutMs });
        isUp = line !== undefined;
        return line;
      },
      out: (text) => session.say(text),
      delay: async () => undefined,
      random: (bytes) => randomBytes(bytes),
      refused: (why) => journal.append({ e: 'refused', why }),
    },
  );
}
