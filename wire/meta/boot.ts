import type { BootRecord } from '../records.js';
import type { FieldReader } from './fields.js';

/** `[…, boot, bootId, software]` */
export function bootFields(record: BootRecord): readonly unknown[] {
  return [record.boot, record.bootId, record.software];
}

export function readBoot(fields: FieldReader): BootRecord {
  return { boot: fields.whole(0xffffffff), bootId: fields.text(64), software: fields.text(256) };
}
