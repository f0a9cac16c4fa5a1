import type { IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface Asked {
  readonly headers?: Readonly<Record<string, string>>;
  /** A form; absent: GET. */
  readonly form?: Readonly<Record<string, string>>;
  /** Which address of loopback it comes from. */
  readonly from?: string;
}

/** A client over TLS that says what it is told to say, and keeps its cookie as a browser does. */
export class Client {
  cookie = '';

  constructor(
    private readonly port: number,
    private readonly ca: Buffer,
  ) {}

  ask(path: string, { headers = {}, form, from = '127.0.0.1' }: Asked = {}): Promise<Answer> {
    const body = form && new URLSearchParams(form).toString();
    const options = {
      ...{
        host: '127.0.0.1',
        servername: 'localhost',
        port: this.port,
        ca: this.ca,
        localAddress: from,
        path,
      },
      ...{ agent: false, method: body === undefined ? 'GET' : 'POST' },
      headers: {
        host: `localhost:${this.port}`,
        accept: '*/*',
        ...(this.cookie && { cookie: this.cookie }),
        ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
        ...headers,
      },
    };
    return new Promise((resolve, reject) => {
      const sent = request(options, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('end', () => {
          this.cookie = response.headers['set-cookie']?.[0]?.split(';')[0] ?? this.cookie;
          resolve({ status: response.statusCode ?? 0, headers: response.headers, text });
        });
      });
      sent.on('error', reject);
      sent.end(body);
    });
  }
}
