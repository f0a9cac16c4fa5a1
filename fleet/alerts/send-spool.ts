import { constants } from 'node:fs';
import { access, open, readdir, rename, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Message, ProbedTransport } from './transport.js';

export interface SpoolSmsOptions {
  /** smsd's: `/var/spool/sms/outgoing`. */
  readonly outgoing: string;
}

/** Three parts, of 153 characters of the GSM alphabet or 67 of UCS-2 (3GPP TS 23.040, 9.2.3.24.1). */
const MAX_GSM = 3 * 153;
const MAX_UCS2 = 3 * 67;

/** smsd looks every 20 s, and a modem takes some seconds a message. */
const TAKEN_WITHIN_MS = 600_000;
const MAX_LOOKED = 100;

/**
 * Short messages by smstools: a file in smsd's outgoing folder (its manual, "SMS file format"). The file is written under a name that smsd passes over
 * and then renamed, so that it never reads half of one; its name is the delivery's: a repeat replaces what smsd has not taken yet.
 */
export function spoolSms({ outgoing }: SpoolSmsOptions): ProbedTransport {
  return {
    scheme: 'sms',
    probe: () => looked(outgoing),
    async send(message: Message): Promise<void> {
      const half = join(outgoing, `.${message.id}`);
      const file = await open(half, 'w', 0o660);
      try {
        // Whatever the umask: smsd reads it by the group of its folder.
        await file.chmod(0o660);
        await file.writeFile(smsFile(message));
        await file.sync();
      } finally {
        await file.close();
      }
      await rename(half, join(outgoing, `cairn-${message.id}`));
      await synced(outgoing);
    },
  };
}

/** Its names outlive a power cut. */
async function synced(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/** Rejects where nothing can be put there, or nobody takes it out. */
async function looked(outgoing: string): Promise<void> {
  await access(outgoing, constants.W_OK | constants.X_OK);
  for (const name of (await readdir(outgoing))
    .filter((one) => one.startsWith('cairn-'))
    .slice(0, MAX_LOOKED)) {
    const { mtimeMs } = await stat(join(outgoing, name)).catch(() => ({ mtimeMs: Date.now() }));
    if (Date.now() - mtimeMs > TAKEN_WITHIN_MS)
      throw new Error(
        `${join(outgoing, name)} has not been taken for ten minutes: does smsd run, and has its modem a network?`,
      );
  }
}

/** What smsd reads: headers, an empty line, the text. ASCII goes in the GSM alphabet, all else as UCS-2. */
export function smsFile({ to, short, isUrgent }: Pick<Message, 'to' | 'short' | 'isUrgent'>): Buffer {
  const isAscii = /^\p{ASCII}*$/u.test(short);
  const headers = [
    `To: ${numberOf(to)}`,
    `Alphabet: ${isAscii ? 'ISO' : 'UCS2'}`,
    ...(isUrgent ? ['Flash: yes'] : []),
  ];
  const text = isAscii ? Buffer.from(short.slice(0, MAX_GSM), 'latin1') : bigEndian(cut(short, MAX_UCS2));
  return Buffer.concat([Buffer.from(`${headers.join('\n')}\n\n`, 'latin1'), text]);
}

/** International without the plus; a short number begins with an s. */
function numberOf(to: string): string {
  if (to.startsWith('+')) return to.slice(1);
  return to.length <= 6 ? `s${to}` : to;
}

/** Never through the middle of a character of two units. */
function cut(text: string, most: number): string {
  const short = text.slice(0, most);
  return /[\ud800-\udbff]$/.test(short) ? short.slice(0, -1) : short;
}

function bigEndian(text: string): Buffer {
  return Buffer.from(text, 'utf16le').swap16();
}
