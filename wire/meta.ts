import { Encoder } from 'cbor-x/encode';
import { anchorFields, readAnchor } from './meta/anchor.js';
import { bootFields, readBoot } from './meta/boot.js';
import { descriptorFields, readDescriptor } from './meta/descriptor.js';
import { FieldReader, MetaError } from './meta/fields.js';
import { gapFields, readGap } from './meta/gap.js';
import { type Descriptor, META_STREAM, type MetaRecord } from './records.js';

export { MetaError, type MetaErrorKind } from './meta/fields.js';

/** The bound of one record's bytes: that of any value of a `bytes` channel. */
export const META_MAX_BYTES = 4096;

/** The fixed descriptor of the meta stream; it is never sent. */
export const META_DESCRIPTOR: Omit<Descriptor, 'class'> & { readonly class: 'meta' } = {
  stream: META_STREAM,
  version: 1,
  title: 'Descriptors, boots, anchors and gaps',
  class: 'meta',
  channels: [{ name: 'record', quantity: 'identity', type: { kind: 'bytes' } }],
};

/** cbor-x/encode is cbor-x without its native extract; no tags, no shared records: plain RFC 8949. */
const cbor = new Encoder({ useRecords: false, tagUint8Array: false, mapsAsObjects: true });

/**
 * One CBOR array (RFC 8949) `[kind, …fields]` as docs/wire-format.md gives them; the same record gives the same bytes. Throws MetaError
 * `tooLarge` above META_MAX_BYTES.
 */
export function encodeMeta(record: MetaRecord): Uint8Array {
  const bytes = Uint8Array.from(cbor.encode([record.kind, ...fieldsOf(record)]));
  if (bytes.length > META_MAX_BYTES) {
    throw new MetaError('tooLarge', `${bytes.length} bytes, at most ${META_MAX_BYTES} fit a record`);
  }
  return bytes;
}

function fieldsOf(record: MetaRecord): readonly unknown[] {
  switch (record.kind) {
    case 'descriptor':
      return descriptorFields(record.value);
    case 'boot':
      return bootFields(record.value);
    case 'anchor':
      return anchorFields(record.value);
    case 'gap':
      return gapFields(record.value);
  }
}

/**
 * Fields past the known ones are ignored: a later writer may append. Throws MetaError: `unknownKind` for a kind of a later version,
 * which readers count and skip; `unknownValue` for a later member of a closed list; `malformed` and `tooLarge` for what no version writes.
 */
export function decodeMeta(bytes: Uint8Array): MetaRecord {
  const fields = new FieldReader('record', parse(bytes));
  const kind = fields.text(64);
  switch (kind) {
    case 'descriptor':
      return { kind, value: readDescriptor(fields) };
    case 'boot':
      return { kind, value: readBoot(fields) };
    case 'anchor':
      return { kind, value: readAnchor(fields) };
    case 'gap':
      return { kind, value: readGap(fields) };
    default:
      throw new MetaError('unknownKind', `record of kind '${kind}': written by a later version`);
  }
}

function parse(bytes: Uint8Array): unknown {
  if (bytes.length > META_MAX_BYTES) {
    throw new MetaError('tooLarge', `${bytes.length} bytes, at most ${META_MAX_BYTES} are a record`);
  }
  try {
    return cbor.decode(bytes as Buffer);
  } catch (cause) {
    throw new MetaError('malformed', 'not one whole CBOR item', { cause });
  }
}
