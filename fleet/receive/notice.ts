import type { SenmlRecord } from '../../wire/index.js';

/** A pack of an alarm's rows; the node's bound on a block's rows is far above what an alarm has. */
const MAX_NOTICE_BYTES = 64 * 1024;
const NODE = /^[0-9a-f]{16}$/;

/** An alarm that its node's disk doesn't take (docs/wire-format.md §7): no number, no receipt, and perhaps twice. */
export interface ReceivedNotice {
  readonly node: string;
  readonly stream: string;
  readonly records: readonly SenmlRecord[];
}

/** `undefined`: the topic is none of a notice's. Throws where it is one and can't be read. */
export function noticeOf(topic: string, payload: Uint8Array): ReceivedNotice | undefined {
  const [root, version, node = '', kind, stream = '', ...more] = topic.split('/');
  if (root !== 'cairn' || version !== '1' || kind !== 'notice') return undefined;
  if (!NODE.test(node) || stream === '' || more.length > 0) throw new Error(`topic ${topic}`);
  if (payload.length > MAX_NOTICE_BYTES) throw new Error(`a notice of ${payload.length} bytes`);
  const records: unknown = JSON.parse(new TextDecoder().decode(payload));
  const isRecord = (one: unknown): one is SenmlRecord =>
    typeof one === 'object' && one !== null && typeof (one as { n?: unknown }).n === 'string';
  if (!Array.isArray(records) || !records.every(isRecord)) throw new Error('no SenML pack');
  return { node, stream, records };
}

/** For people: `0123… sos NOTICE: its disk doesn't take this alarm  sos/state open  2026-…Z` */
export function noticeLine({ node, stream, records }: ReceivedNotice): string {
  const values = records.map(({ n, u, v, vs, vd }) => `${n} ${v ?? vs ?? vd ?? '-'} ${u ?? ''}`.trimEnd());
  return `${node.slice(0, 6)} ${stream} NOTICE, the node's disk doesn't take it, ${timeOf(records[0])}  ${values.join('  ')}`;
}

/** Whatever a node says, it must not end the receiver of all. */
function timeOf({ bt, t = 0 }: Partial<SenmlRecord> = {}): string {
  if (bt === undefined) return `${-t} s before it was sent`;
  const wall = new Date(1000 * (bt + t));
  return Number.isNaN(wall.getTime()) ? 'at no time that can be read' : wall.toISOString();
}
