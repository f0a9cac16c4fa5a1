import { HalError } from './error.js';

/** The register that a part is known by. */
export interface IdRegister {
  /** `BME280`, as printed on the part. */
  readonly model: string;
  /** As the datasheet calls the register: `chip id`. */
  readonly name: string;
  /** What this part says there. */
  readonly id: number;
  /** Relatives at the same addresses, by what they say. */
  readonly others?: Readonly<Record<number, string>>;
}

/** `0x60` */
export function hexByte(byte: number): string {
  return `0x${byte.toString(16).padStart(2, '0')}`;
}

/** HalError `wrongPart` unless the byte that was read is the part's own. */
export function checkId(where: string, register: IdRegister, read: number): void {
  const { model, name, id, others } = register;
  if (read === id) return;
  const meaning = others?.[read] ?? MEANINGLESS[read] ?? 'no part known here';
  throw new HalError(
    'wrongPart',
    where,
    `its ${name} is ${hexByte(read)} where ${model} says ${hexByte(id)}`,
    {
      hint: `${hexByte(read)} is ${meaning}`,
      mismatch: {
        expected: `${model} (${name} ${hexByte(id)})`,
        found: `${name} ${hexByte(read)} (${meaning})`,
      },
    },
  );
}

/** What a data line gives that nobody drives, or that is held. */
const MEANINGLESS: Readonly<Record<number, string>> = { 0: 'no id: only zeros', 255: 'no id: only ones' };
