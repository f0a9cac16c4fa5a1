import { type Command, EXIT } from '../command.js';
import { deviceHere, openHere } from '../journal/here.js';
import { LOGIN_OPTIONS } from '../login/here.js';
import { logInHere } from '../login/log-in.js';
import { openLine, Session, systemTime } from '../session/index.js';

export const login: Command = {
  name: 'login',
  summary: "ask whoever is at this terminal for an owner's answer; ends with 0 where it is right",
  usage: '[--identity FOLDER] [--state FOLDER] [--owner-key FILE] [--secret FILE]',
  examples: ['cairn login --owner-key /etc/cairn/owner.pub && exec bash'],
  options: LOGIN_OPTIONS,
  role: 'owner',
  onConsole: false,
  async run({ options, terminal }) {
    const opened = openLine();
    const session = new Session({ line: opened.line, clock: systemTime });
    // Signed when the next console opens it: the node may not be up yet.
    const journal = openHere(String(options.state), deviceHere(), () => undefined, terminal.err);
    try {
      const caller = await logInHere(options, journal)(session);
      if (!caller) return EXIT.failed;
      await journal.append({ e: 'begin', ...caller });
      if (caller.role === 'owner') return EXIT.ok;
      session.say(`You are a ${caller.role}; what is behind this login is for an owner.`);
      return EXIT.refused;
    } finally {
      await session.close();
      opened.close();
    }
  },
};
