/** What has one canonical form: no number but whole ones within ±(2^53 - 1), so that none loses a digit anywhere. */
export type Canonical =
  | string
  | number
  | boolean
  | null
  | readonly Canonical[]
  | { readonly [name: string]: Canonical | undefined };

const SURROGATE = /\p{Surrogate}/gu;

/**
 * JSON without blanks, members in the order of their names' UTF-16 code units, strings escaped no more than JSON must: RFC 8785 for what has
 * no fractions. Members that are undefined are left out; half a surrogate pair becomes U+FFFD. Throws for a number that is not whole.
 */
export function canonicalJson(value: Canonical): string {
  if (typeof value === 'number' && !Number.isSafeInteger(value))
    throw new Error(`${value} has no canonical form: whole numbers within 2^53 have`);
  if (typeof value === 'number') return String(value);
  if (typeof value === 'string') return JSON.stringify(value.replace(SURROGATE, '\ufffd'));
  if (value === null || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = Object.keys(value)
    .sort()
    .flatMap((name) => {
      const member = value[name];
      return member === undefined ? [] : [`${canonicalJson(name)}:${canonicalJson(member)}`];
    });
  return `{${members.join(',')}}`;
}

function isList(value: object): value is readonly Canonical[] {
  return Array.isArray(value);
}
