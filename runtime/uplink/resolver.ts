import { type LookupAddress, lookup as systemLookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { RuntimeClock } from '../clock/types.js';

/** A resolver that answers within this is of use: CONNECT as a whole has 30 s. */
const ANSWER_MS = 10_000;

export type AskAll = (
  host: string,
  answer: (error: NodeJS.ErrnoException | null, addresses: readonly LookupAddress[]) => void,
) => void;

/** The system's way, files and mDNS included. It takes a thread of libuv's pool until it answers. */
const askSystem: AskAll = (host, answer) => systemLookup(host, { all: true }, answer);

/**
 * Looks up the broker's name where the network may be dead. Names are asked for one at a time: a resolver that hangs holds one thread of
 * the pool, not one more for each try, or disk and buses would stand still. Without an answer, or with a bad one, the broker is where it
 * was last reached; TLS checks its name all the same.
 */
export class Resolver {
  #reached: LookupAddress | undefined;
  #isAsking = false;

  constructor(
    private readonly clock: RuntimeClock,
    private readonly ask: AskAll = askSystem,
    private readonly answerMs = ANSWER_MS,
  ) {}

  /** A broker answered at this address. */
  reached(address: string, family: string | undefined): void {
    this.#reached = { address, family: family === 'IPv6' ? 6 : 4 };
  }

  /** For `net.connect` and `tls.connect`. */
  readonly lookup: LookupFunction = (host, options, callback) => {
    const reply = (addresses: readonly LookupAddress[]) => {
      if (options.all) callback(null, [...addresses]);
      else callback(null, addresses[0]!.address, addresses[0]!.family);
    };
    const fail = (error: NodeJS.ErrnoException) => {
      if (this.#reached) reply([this.#reached]);
      else callback(error, []);
    };
    if (this.#isAsking) setImmediate(fail, noAnswer(host));
    else this.#askOnce(host, reply, fail);
  };

  #askOnce(
    host: string,
    reply: (addresses: readonly LookupAddress[]) => void,
    fail: (error: NodeJS.ErrnoException) => void,
  ): void {
    this.#isAsking = true;
    let isLate = false;
    const timer = this.clock.after(this.answerMs, () => {
      isLate = true;
      fail(noAnswer(host));
    });
    this.ask(host, (error, addresses) => {
      this.#isAsking = false;
      timer.cancel();
      if (isLate) return;
      if (error) fail(error);
      else if (addresses.length === 0) fail(noAnswer(host));
      else reply(addresses);
    });
  }
}

/** As the system says it of a name server that doesn't answer (getaddrinfo(3)). */
function noAnswer(host: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`no answer to the name ${host}`), { code: 'EAI_AGAIN' });
}
