import type { Attached } from './attach.js';
import { formatPlace, oneOf, type Problems } from './problem.js';
import { hex } from './schema.js';
import type { BoardConfig, Place } from './types.js';

interface User {
  /** `part 'climate'`, `bus i2c-1 (part 'climate')` */
  readonly who: string;
  readonly place: Place;
}

/** Refuses two parts on one address, one port or one pin; each problem names the other user and its place. */
export function checkConflicts(
  board: BoardConfig,
  parts: readonly (Attached & { readonly id: string })[],
  problems: Problems,
): void {
  const claims = new Claims(problems);
  for (const { id, attachment, place, busPlace } of parts) {
    if (attachment.kind === 'i2c') {
      const { bus, address } = attachment;
      const config = board.i2c[bus]!;
      claims.pins(config.pins, `bus ${bus}`, { who: `bus ${bus} (part '${id}')`, place: busPlace ?? place });
      if (config.supply) claims.share(lineKey(board, config.supply.line), `the supply of bus ${bus}`, place);
      claims.claim(`i2c ${bus} ${address}`, `address ${hex(address)} of ${bus}`, id, place, () => {
        return 'one part an address: another address strap, another bus, or one part less';
      });
    } else if (attachment.kind === 'serial') {
      const config = board.serial[attachment.port]!;
      claims.claim(`port ${config.device ?? attachment.port}`, `port ${attachment.port}`, id, place, () => {
        const others = Object.keys(board.serial).filter(
          (port) => !port.startsWith('/') && port !== attachment.port,
        );
        return oneOf([...others, 'a path such as /dev/serial/by-id/usb-…']);
      });
      claims.pins(config.pins, `port ${attachment.port}`, {
        who: `port ${attachment.port} (part '${id}')`,
        place,
      });
    }
  }
  for (const { id, attachment, place } of parts) {
    if (attachment.kind !== 'gpio') continue;
    const { line } = attachment;
    claims.claim(lineKey(board, line), lineName(board, line), id, place, () => {
      const free = Object.keys(board.gpio).filter((key) => !claims.taken(lineKey(board, key)));
      return free.length > 0 ? `a free line: ${oneOf(free.slice(0, 6))}` : 'a line that no other part uses';
    });
  }
}

function lineKey(board: BoardConfig, line: string): string {
  const { pin } = board.gpio[line]!;
  return pin === undefined ? `line ${line}` : `pin ${pin}`;
}

function lineName(board: BoardConfig, line: string): string {
  const { pin } = board.gpio[line]!;
  return pin === undefined ? line : `${line} (pin ${pin})`;
}

class Claims {
  readonly #users = new Map<string, User>();
  /** Buses and ports whose pins are claimed: parts on one bus share them. */
  readonly #sharers = new Set<string>();
  readonly #problems: Problems;

  constructor(problems: Problems) {
    this.#problems = problems;
  }

  taken(resource: string): boolean {
    return this.#users.has(resource);
  }

  claim(resource: string, title: string, id: string, place: Place, wanted: () => string): void {
    const other = this.#users.get(resource);
    if (!other) this.#users.set(resource, { who: `part '${id}'`, place });
    else {
      const what = `parts.${id}: ${title} is in use by ${other.who} at ${formatPlace(other.place)}`;
      this.#problems.add(place, what, wanted());
    }
  }

  /** A line that all parts of a bus hang on. */
  share(resource: string, who: string, place: Place): void {
    if (!this.#users.has(resource)) this.#users.set(resource, { who, place });
  }

  /** Header pins of a bus or port in use. */
  pins(pins: readonly number[], sharer: string, user: User): void {
    if (this.#sharers.has(sharer)) return;
    this.#sharers.add(sharer);
    for (const pin of pins) {
      const other = this.#users.get(`pin ${pin}`);
      if (!other) this.#users.set(`pin ${pin}`, user);
      else {
        const what = `${user.who}: pin ${pin} is in use by ${other.who} at ${formatPlace(other.place)}`;
        this.#problems.add(user.place, what, `another bus or port than ${sharer}: they share a pin`);
      }
    }
  }
}
