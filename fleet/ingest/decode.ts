import * as v from 'valibot';
import { DecodeError } from '../../native/index.js';
import {
  decodeMeta,
  LOG_CLASSES,
  META_STREAM,
  MetaError,
  type MetaRecord,
  STREAM_NAME,
} from '../../wire/index.js';
import { arrivedBlock, MismatchError, noticeOf } from '../receive/index.js';
import { type IncomingBlock, type IncomingPack, NodeHealth } from '../store/index.js';
import { senmlPacks } from './senml-pack.js';
import { readTrackerLine, trackerPacks } from './tracker.js';
import { type Decoded, type Message, Refused, type Rows, type Status } from './types.js';

/** A block is at most this long, and a pack no longer. */
export const MAX_PAYLOAD_BYTES = 1_048_576;
/** `cairn/1/…/senml/telemetry/…` with the longest names is 90. */
export const MAX_TOPIC_BYTES = 256;
const MAX_STATUS_BYTES = 16 * 1024;
const NODE = /^[0-9a-f]{16}$/;
const SENDER = /^[A-Za-z0-9][A-Za-z0-9.-]{0,63}$/;

/** What a message says. Never throws: what can't be read is a refusal with its cause. */
export function decodeMessage(message: Message): Decoded {
  try {
    return decoded(message);
  } catch (error) {
    const text = (error as Error).message;
    if (error instanceof Refused || error instanceof DecodeError || error instanceof MismatchError)
      return { kind: 'refusal', cause: error.kind, text };
    return { kind: 'refusal', cause: 'undecodable', text };
  }
}

function decoded({ topic, payload, receivedMs }: Message): Decoded {
  if (payload.length > MAX_PAYLOAD_BYTES) throw new Refused('tooLarge', `${payload.length} bytes`);
  if (topic.length > MAX_TOPIC_BYTES) throw new Refused('topic', `a topic of ${topic.length} characters`);
  const [root, ...levels] = topic.split('/');
  if (root === 'cairn' && levels[0] === '1') return ofNode(levels.slice(1), { topic, payload, receivedMs });
  const [sender = '', ...more] = levels;
  if (more.length === 0 && SENDER.test(sender)) {
    if (root === 'senml')
      return { kind: 'rows', incoming: senmlPacks(payload, { sender, logClass: 'telemetry' }, receivedMs) };
    if (root === 'tracker') return ofTracker(sender, payload, receivedMs);
  }
  throw new Refused('topic', `nothing comes under ${topic}`);
}

function ofNode([node = '', kind, ...rest]: readonly string[], message: Message): Decoded {
  const { topic, payload } = message;
  if (!NODE.test(node)) throw new Refused('topic', `no node in ${topic}`);
  if (kind === 'status' && rest.length === 0) return statusOf(node, message);
  if (kind === 'notice') return noticeAt(topic, payload);
  if (kind === 'senml') return ofNodeSenml(node, rest, message);
  if (kind === 'test' && rest.join('/') === 'uplink') return { kind: 'nothing' };
  if (!LOG_CLASSES.some((one) => one === kind)) throw new Refused('topic', `nothing comes under ${topic}`);
  return ofBlock(topic, payload);
}

function ofBlock(topic: string, payload: Uint8Array): Rows {
  const { logClass, block } = arrivedBlock(topic, payload);
  const { header, columns, ...rows } = block;
  const incoming: IncomingBlock = { kind: 'block', header, logClass, columns, rows, bytes: payload };
  const isMeta = header.stream === META_STREAM;
  if (isMeta !== (logClass === 'meta'))
    throw new Refused('topicMismatch', `the stream ${header.stream} under ${topic}`);
  if (!isMeta) return { kind: 'rows', incoming: [incoming] };
  const { damaged, ...meta } = metaOf(rows.texts ?? []);
  return { kind: 'rows', incoming: [{ ...incoming, meta }], ...(damaged ? { damagedRecords: damaged } : {}) };
}

/** A damaged record costs itself, not its neighbours; one of a later version is kept as it came. */
function metaOf(
  texts: readonly (string | Uint8Array | undefined)[],
): NonNullable<IncomingBlock['meta']> & { damaged: number } {
  const meta = { records: [] as MetaRecord[], unread: [] as Uint8Array[], damaged: 0 };
  for (const bytes of texts) {
    if (!(bytes instanceof Uint8Array)) continue;
    try {
      meta.records.push(decodeMeta(bytes));
    } catch (error) {
      const isLater =
        error instanceof MetaError && (error.kind === 'unknownKind' || error.kind === 'unknownValue');
      if (isLater) meta.unread.push(bytes);
      else meta.damaged++;
    }
  }
  return meta;
}

function noticeAt(topic: string, payload: Uint8Array): Decoded {
  try {
    const notice = noticeOf(topic, payload);
    if (notice && STREAM_NAME.test(notice.stream)) return { kind: 'notice', ...notice };
  } catch (cause) {
    throw new Refused('notice', (cause as Error).message, { cause });
  }
  throw new Refused('notice', `topic ${topic}`);
}

/** A health that no node says costs itself, not the status. */
function statusOf(node: string, { payload, receivedMs }: Message): Status {
  const { health, ...fields } = objectOf(payload);
  if (fields.node !== undefined && fields.node !== node)
    throw new Refused('topicMismatch', `the status of ${fields.node} under ${node}`);
  if (health === undefined) return { kind: 'status', node, fields };
  const { success, output } = v.safeParse(NodeHealth, health);
  if (!success) return { kind: 'status', node, fields, isHealthDamaged: true };
  return { kind: 'status', node, fields, health: { ...output, atMs: receivedMs } };
}

function objectOf(payload: Uint8Array): Readonly<Record<string, unknown>> {
  if (payload.length > MAX_STATUS_BYTES) throw new Refused('status', `${payload.length} bytes`);
  let said: unknown;
  try {
    said = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(payload));
  } catch (cause) {
    throw new Refused('status', (cause as Error).message, { cause });
  }
  if (typeof said !== 'object' || said === null || Array.isArray(said))
    throw new Refused('status', 'no object');
  return said as Readonly<Record<string, unknown>>;
}

function ofNodeSenml(
  node: string,
  [logClass, stream = '', ...more]: readonly string[],
  { topic, payload, receivedMs }: Message,
): Rows {
  const isClass = LOG_CLASSES.some((one) => one === logClass) && logClass !== 'meta';
  if (!isClass || !STREAM_NAME.test(stream) || more.length > 0)
    throw new Refused('topic', `nothing comes under ${topic}`);
  const origin = { sender: node, stream, logClass: logClass as IncomingPack['logClass'] };
  return { kind: 'rows', incoming: senmlPacks(payload, origin, receivedMs) };
}

function ofTracker(id: string, payload: Uint8Array, receivedMs: number): Rows {
  const line = readTrackerLine(Buffer.from(payload).toString('latin1'));
  if (line.id !== id) throw new Refused('topicMismatch', `a line of ${line.id} under tracker/${id}`);
  return { kind: 'rows', incoming: trackerPacks(line, receivedMs) };
}
