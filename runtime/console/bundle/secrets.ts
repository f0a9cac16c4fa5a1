/** Shorter ones stand in every text by chance: they are taken out where they are known to stand, and are not looked for elsewhere. */
export const SECRET_MIN_BYTES = 4;
/** A piece of base64 shorter than this says nothing. */
const PIECE_MIN = 6;
const REDACTED = '[redacted]';

const PEM = /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g;
/** Bounded, so that a long text costs no more than its length. */
const USER_INFO = /([a-z][a-z0-9+.-]{0,30}:\/\/)([^\s/@"'<>]{1,500})@/gi;
const NAMED = String.raw`(?:(?:pass(?:word|wd|phrase)?|secret|token|psk|credentials?|api[_-]?key|private[_-]?key)|\bkey)\\?["']?[ \t]*[:=]`;
/** A text in quotes, in quotes within JSON, or a word; a mapping behind such a name says where the secret is, and is none. */
const VALUE = String.raw`\\"(?:[^"\\]|\\[^"])*\\"|"[^"\n]*"|'[^'\n]*'|[^\s,{}\[\]"'|>][^\s,}\]"']*`;
const ASSIGNED = new RegExp(`(${NAMED}[ \\t]*)(${VALUE})`, 'gi');
/** A block scalar of YAML. */
const BLOCK = new RegExp(`(${NAMED}[ \\t]*[|>][-+0-9]*[ \\t]*\\n)((?:[ \\t]+[^\\n]*(?:\\n|$))+)`, 'gi');
const MAC = /\b(?:[0-9a-f]{2}[:-]){5}[0-9a-f]{2}\b/gi;

/** What nobody may read, and how it is kept out of what leaves the node. */
export class Secrets {
  /** Each form that a secret may take in bytes, and whose it is. */
  readonly #forms = new Map<string, string>();
  #tooShort = 0;

  /** `what` names it in an error: its place, never itself. */
  add(what: string, value: string): void {
    const lines = partsOf(value);
    for (const one of new Set([value, value.trim(), ...lines])) this.#addOne(what, one);
    const der = Buffer.from(lines.join(''), 'base64');
    // An Ed25519 key proper is the last 32 bytes (RFC 8410 §7).
    for (const bytes of [der, der.subarray(-32)])
      for (const form of byteForms(bytes)) this.#forms.set(form, what);
  }

  get tooShort(): number {
    return this.#tooShort;
  }

  /** Learns those that stand in a configuration itself, where none should. */
  learn(what: string, text: string): void {
    for (const [pem] of text.matchAll(PEM)) this.add(`${what}: a private key`, pem);
    for (const [, , info = ''] of text.matchAll(USER_INFO)) {
      const password = info.slice(info.indexOf(':') + 1);
      for (const one of [password, percentDecoded(password)]) this.add(`${what}: the URL's user`, one);
    }
    for (const [, , value = ''] of text.matchAll(ASSIGNED))
      this.add(`${what}: a value that a secret's name stands before`, unquoted(value));
    for (const [, , value = ''] of text.matchAll(BLOCK))
      for (const line of value.split('\n'))
        this.add(`${what}: a value that a secret's name stands before`, line);
  }

  /** Without what is a secret by its place, without every known one, and without addresses of network cards. */
  redact(text: string): string {
    let clean = text
      .replace(PEM, REDACTED)
      .replace(USER_INFO, `$1${REDACTED}@`)
      .replace(BLOCK, `$1  ${REDACTED}\n`)
      .replace(ASSIGNED, (_, name: string, value: string) => `${name}${quotedAs(value)}`)
      .replace(MAC, '[address]');
    // The longest first: a form may be a piece of another.
    for (const form of [...this.#forms.keys()].sort((a, b) => b.length - a.length))
      clean = clean.replaceAll(form, REDACTED);
    return clean;
  }

  /** Whose secret stands in the bytes, in whatever form; undefined where none does. */
  leakIn(bytes: Uint8Array): string | undefined {
    const all = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (const [form, what] of this.#forms) if (all.includes(form)) return what;
    return undefined;
  }

  #addOne(what: string, value: string): void {
    const bytes = Buffer.from(value);
    if (bytes.length === 0 || value === REDACTED) return;
    if (bytes.length < SECRET_MIN_BYTES) this.#tooShort++;
    else for (const form of formsOf(value, bytes)) this.#forms.set(form, what);
  }
}

/** A key's PEM is its lines, whoever wraps them; and the bytes that they say. */
function partsOf(value: string): readonly string[] {
  if (!value.includes('-----BEGIN')) return [];
  const lines = value.split('\n').map((line) => line.trim());
  return lines.filter((line) => line !== '' && !line.startsWith('-----'));
}

function formsOf(value: string, bytes: Buffer): readonly string[] {
  const json = JSON.stringify(value).slice(1, -1);
  const percent = encodeURIComponent(value);
  const everyByte = [...bytes].map((byte) => `%${byte.toString(16).padStart(2, '0')}`).join('');
  return [
    ...[value, json, JSON.stringify(json).slice(1, -1)],
    ...[percent, percent.replace(/%../g, (code) => code.toLowerCase()), everyByte, everyByte.toUpperCase()],
    ...byteForms(bytes),
  ].filter((form) => form.length >= SECRET_MIN_BYTES);
}

function byteForms(bytes: Buffer): readonly string[] {
  if (bytes.length < SECRET_MIN_BYTES) return [];
  const hex = bytes.toString('hex');
  const base64 = [bytes.toString('base64').replace(/=+$/, ''), ...piecesOf(bytes)];
  return [
    hex,
    hex.toUpperCase(),
    ...base64.flatMap((text) => [text, text.replaceAll('+', '-').replaceAll('/', '_')]),
  ];
}

/** As the base64 of a longer text shows it, which begins one or two bytes earlier, and ends later. */
function piecesOf(bytes: Buffer): readonly string[] {
  const pieces = [0, 1, 2].map((before) => {
    const text = Buffer.concat([Buffer.alloc(before), bytes])
      .toString('base64')
      .replace(/=+$/, '');
    const from = Math.ceil((before * 8) / 6);
    // Only whole characters of it: the last may hold bits of what follows.
    return text.slice(from, Math.floor(((before + bytes.length) * 8) / 6));
  });
  return pieces.filter(({ length }) => length >= PIECE_MIN);
}

function unquoted(value: string): string {
  return value.replace(/^\\?["']|\\?["']$/g, '');
}

function quotedAs(value: string): string {
  const quote = /^(\\"|"|')/.exec(value)?.[0] ?? '';
  return `${quote}${REDACTED}${quote}`;
}

function percentDecoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
