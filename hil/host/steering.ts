import type { Socket } from 'node:net';
import * as v from 'valibot';
import type { SerialLines } from './lines.js';
import type { Recordings } from './recordings.js';
import { type Answers, Lines, MAX_BYTES, type Request, requestSchema, type Said } from './wire.js';

export interface SteeringOptions {
  readonly lines: SerialLines;
  readonly recordings: Recordings;
  readonly seed: number;
  readonly full: boolean;
}

/** The most bytes that one `play` makes at a time: a long one goes in pieces. */
const PIECE_BYTES = 1 << 20;

/** Does what the guest's suites ask for, one request after the other; a `reset` first ends whatever is under way. */
export function serveSteering(socket: Socket, options: SteeringOptions): void {
  const lines = new Lines();
  let last = Promise.resolve();
  const take = (line: string): void => {
    const { id, request, error } = read(line);
    if (request?.do === 'reset') options.lines.cut();
    last = last
      .then(() => (request ? perform(request, options) : Promise.reject(error)))
      .then(
        (ok) => ({ id, ok }),
        (failure: unknown) => ({ id, error: failure instanceof Error ? failure.message : String(failure) }),
      )
      .then((answer) => void socket.write(`${JSON.stringify(answer)}\n`));
  };
  const whole = (chunk: string): readonly string[] => {
    try {
      return lines.push(chunk);
    } catch {
      socket.destroy(); // a suite that does not keep to the bound finds nobody there any more
      return [];
    }
  };
  socket.setEncoding('utf8').on('data', (chunk: string) => whole(chunk).forEach(take));
  socket.on('error', () => socket.destroy()); // the machine has ended
}

function read(line: string): { readonly id?: unknown; readonly request?: Request; readonly error?: unknown } {
  let id: unknown;
  try {
    const { id: asked, ...request } = JSON.parse(line) as { id: unknown };
    id = asked;
    return { id, request: v.parse(requestSchema, request) };
  } catch (error) {
    return { id, error };
  }
}

async function perform(request: Request, options: SteeringOptions): Promise<Answers[Request['do']]> {
  const { lines, recordings, seed, full } = options;
  switch (request.do) {
    case 'hello':
      return { seed, full, recordings: recordings.names };
    case 'reset':
      await lines.reset();
      return {};
    case 'say':
      return lines.say(request.line, Buffer.from(request.bytes, 'base64'), request);
    case 'heard':
      return { bytes: lines.heard(request.line).toString('base64') };
    case 'play':
      return play(request, options);
    case 'twin':
      lines.twin(request.line, request.part, request.seed);
      return {};
    case 'silence':
      lines.silence(request.line);
      return {};
    case 'break':
      await lines.break(request.line);
      return {};
    case 'plug':
      await lines.plug(request.line, request.serial);
      return {};
    case 'unplug':
      await lines.unplug(request.line);
      return {};
    case 'file': {
      const bytes = recordings.file(request.name);
      const piece = bytes.subarray(request.from, request.from + MAX_BYTES);
      return { bytes: piece.toString('base64'), size: bytes.length };
    }
  }
}

/** Noise has another seed in every piece, or each would be damaged alike. */
async function play(
  request: Request & { do: 'play' },
  { lines, recordings }: SteeringOptions,
): Promise<Said> {
  const once = recordings.wire(request.recording);
  const perPiece = Math.max(1, Math.floor(PIECE_BYTES / once.length));
  const total = { bytes: 0, hits: 0 };
  for (let done = 0; done < request.times; done += perPiece) {
    const times = Math.min(perPiece, request.times - done);
    const damage = request.damage && { ...request.damage, seed: request.damage.seed + done };
    const said = await lines.say(request.line, repeated(once, times), { ...request, damage });
    total.bytes += said.bytes;
    total.hits += said.hits;
  }
  return total;
}

function repeated(bytes: Buffer, times: number): Buffer {
  return Buffer.concat(Array.from({ length: times }, () => bytes));
}
