import * as v from 'valibot';

/**
 * How a suite in the guest steers the host: JSON lines over the virtio-serial port `cairn.rig`. A request has an id and gets one answer
 * with the same id: `{"id":1,"ok":{…}}` or `{"id":1,"error":"…"}`. Bytes travel in base64.
 */
export const RIG_PORT = 'cairn.rig';
export const MAX_LINE_BYTES = 65_536;
/** The most bytes in one request or answer. */
export const MAX_BYTES = 32_768;

const line = v.picklist(['uart', 'usb0', 'usb1']);
const whole = (min: number, max: number) => v.pipe(v.number(), v.integer(), v.minValue(min), v.maxValue(max));
const baud = whole(300, 4_000_000);

/** What happens to the bytes on their way. */
const cable = {
  /** The most bytes handed to the port at once. */
  chunk: v.optional(whole(1, 65_536), 65_536),
  /** Between two chunks. */
  pauseMs: v.optional(whole(0, 1000), 0),
  damage: v.optional(
    v.strictObject({
      how: v.picklist(['each', 'single']),
      probability: v.pipe(v.number(), v.minValue(0), v.maxValue(1)),
      seed: whole(0, 2 ** 31),
    }),
  ),
  /** What a UART at `heard` baud makes of a part at `said` baud. */
  baud: v.optional(v.strictObject({ said: baud, heard: baud })),
};

export const requestSchema = v.variant('do', [
  /** What there is: the host's seed, whether runs are long, the recordings it has. */
  v.strictObject({ do: v.literal('hello') }),
  /** Ends what is playing and living, unplugs all that can be, forgets what was heard. */
  v.strictObject({ do: v.literal('reset') }),
  v.strictObject({ do: v.literal('say'), line, bytes: v.pipe(v.string(), v.base64()), ...cable }),
  /** What the guest wrote on the line since the last time. */
  v.strictObject({ do: v.literal('heard'), line }),
  /** A receiver's recording, `times` over; answers when all is said. */
  v.strictObject({
    do: v.literal('play'),
    line,
    recording: v.string(),
    times: v.optional(whole(1, 1_000_000), 1),
    ...cable,
  }),
  /** A part's twin lives at the far end, in real time, until `reset` or `silence`. */
  v.strictObject({ do: v.literal('twin'), line, part: v.string(), seed: whole(0, 2 ** 31) }),
  v.strictObject({ do: v.literal('silence'), line }),
  /** The line is held low for longer than a byte. */
  v.strictObject({ do: v.literal('break'), line }),
  /** A USB adapter with this serial number at this line. */
  v.strictObject({
    do: v.literal('plug'),
    line,
    serial: v.pipe(v.string(), v.regex(/^[A-Za-z0-9]{1,32}$/)),
  }),
  v.strictObject({ do: v.literal('unplug'), line }),
  /** `<name>.log` or `<name>.log.chk`, from a byte on. */
  v.strictObject({ do: v.literal('file'), name: v.string(), from: whole(0, 2 ** 24) }),
]);

export type Line = v.InferOutput<typeof line>;
export type Request = v.InferOutput<typeof requestSchema>;
export type RequestInput = v.InferInput<typeof requestSchema>;
export type Cable = Pick<Request & { do: 'say' }, 'chunk' | 'pauseMs' | 'damage' | 'baud'>;

/** What each request is answered with. */
export interface Answers {
  hello: { readonly seed: number; readonly full: boolean; readonly recordings: readonly string[] };
  reset: Record<string, never>;
  say: Said;
  heard: { readonly bytes: string };
  play: Said;
  twin: Record<string, never>;
  silence: Record<string, never>;
  break: Record<string, never>;
  plug: Record<string, never>;
  unplug: Record<string, never>;
  file: { readonly bytes: string; readonly size: number };
}
/** What came out of the cable, and how often it hit. */
export interface Said {
  readonly bytes: number;
  readonly hits: number;
}

/** Cuts a byte stream into lines; one longer than the bound is an error for good. */
export class Lines {
  #rest = '';

  push(chunk: string): readonly string[] {
    const lines = (this.#rest + chunk).split('\n');
    this.#rest = lines.pop() ?? '';
    if ([...lines, this.#rest].some(({ length }) => length > MAX_LINE_BYTES))
      throw new Error(`a line of more than ${MAX_LINE_BYTES} bytes`);
    return lines;
  }
}
