import { readFileSync } from 'node:fs';
import * as v from 'valibot';
import { parse } from 'yaml';

const rigSchema = v.strictObject({
  name: v.pipe(v.string(), v.regex(/^[a-z0-9-]{1,40}$/)),
  /** A gpio-sim chip with this label and these line names. */
  gpio: v.strictObject({
    label: v.string(),
    lines: v.pipe(v.array(v.string()), v.minLength(1), v.maxLength(64)),
  }),
  /** The adapter /dev/i2c-<bus>, and where its transfers are served. */
  i2c: v.strictObject({ bus: v.pipe(v.number(), v.integer(), v.minValue(0)), server: v.string() }),
  serial: v.literal('pty'),
  suites: v.pipe(v.array(v.pipe(v.string(), v.regex(/^[a-z0-9-]+$/))), v.minLength(1)),
});

/** What a rig is made of. */
export type Rig = v.InferOutput<typeof rigSchema>;

export function readRig(file: string): Rig {
  return v.parse(rigSchema, parse(readFileSync(file, 'utf8')));
}
