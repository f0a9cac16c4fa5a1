import type { Anchor } from '../records.js';
import { ANCHOR_SOURCES } from '../records.js';
import type { FieldReader } from './fields.js';

/** `[…, boot, monotonicNs, wallNs, uncertaintyNs, source]` */
export function anchorFields(anchor: Anchor): readonly unknown[] {
  return [anchor.boot, anchor.monotonicNs, anchor.wallNs, anchor.uncertaintyNs, anchor.source];
}

export function readAnchor(fields: FieldReader): Anchor {
  return {
    boot: fields.whole(0xffffffff),
    monotonicNs: fields.integer64(),
    wallNs: fields.integer64(),
    uncertaintyNs: fields.integer64(),
    source: fields.oneOf(ANCHOR_SOURCES),
  };
}
