import type { Invocation } from '../command.js';
import type { Journal } from '../journal/index.js';
import type { LogIn } from '../session/index.js';
import { factsHere, portsHere } from './here.js';
import { login } from './session.js';

/** Lets in whoever answers this machine's challenge; who was refused, and why, is in the journal before the line hears of it. */
export function logInHere(options: Invocation['options'], journal: Pick<Journal, 'append'>): LogIn {
  return (dialogue) =>
    login(factsHere(options), {
      ...portsHere(options, {
        readLine: (timeoutMs) => dialogue.readLine('', { timeoutMs }),
        out: (text) => dialogue.say(text),
        refused: (why) => journal.append({ e: 'refused', why }),
      }),
      delay: (ms) => dialogue.delay(ms),
    });
}
