import { once } from 'node:events';
import { connect } from 'node:net';
import type { Message, ProbedTransport } from './transport.js';

export interface HttpSmsOptions {
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is posted, JSON or a form as the content type in `headers` says; `{to}`, `{text}` and `{id}` are filled in, quoted for it. */
  readonly body: string;
}

const TIMEOUT_MS = 20_000;
const MAX_ANSWER_BYTES = 4_096;
const MAX_TEXT = 459;

/** Short messages by somebody's HTTP gateway. Any answer but 2xx is a failure. */
export function httpSms({ url, headers = {}, body }: HttpSmsOptions): ProbedTransport {
  const type = Object.entries(headers).find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  const quoted = type === undefined || type.includes('json') ? inJson : encodeURIComponent;
  return {
    scheme: 'sms',
    probe: () => connected(new URL(url)),
    async send(message: Message): Promise<void> {
      const values: Readonly<Record<string, string>> = {
        to: message.to,
        text: message.short.slice(0, MAX_TEXT),
        id: message.id,
      };
      const filled = body.replaceAll(/\{(to|text|id)\}/g, (_, name: string) => quoted(values[name]!));
      const response = await fetch(url, {
        method: 'POST',
        headers: { 'content-type': 'application/json', ...headers },
        body: filled,
        redirect: 'error',
        signal: AbortSignal.timeout(TIMEOUT_MS),
      });
      const answer = await start(response);
      if (!response.ok)
        throw new Error(`the SMS gateway answered ${response.status}: ${answer.slice(0, 200)}`);
    },
  };
}

/** That somebody listens there; a request might cost something. */
async function connected({ protocol, hostname, port }: URL): Promise<void> {
  const host = hostname.replaceAll(/[[\]]/g, '');
  const socket = connect({ host, port: Number(port || (protocol === 'https:' ? 443 : 80)) });
  try {
    await once(socket, 'connect', { signal: AbortSignal.timeout(TIMEOUT_MS) });
  } finally {
    socket.destroy();
  }
}

/** As it stands within quotes. */
function inJson(text: string): string {
  return JSON.stringify(text).slice(1, -1);
}

/** Its beginning; the rest isn't read. */
async function start(response: Response): Promise<string> {
  if (!response.body) return '';
  let text = '';
  const decoder = new TextDecoder();
  for await (const bytes of response.body) {
    text += decoder.decode(bytes, { stream: true });
    if (text.length >= MAX_ANSWER_BYTES) break;
  }
  return text;
}
