import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';

const TYPE_A = 1;

/** A name server on loopback that knows one address for every name, or says nothing. */
export class StubNameServer {
  readonly #socket: Socket = createSocket('udp4');
  /** False: questions are heard and never answered. */
  answers = true;
  questions = 0;

  private constructor() {
    this.#socket.on('message', (question, { port, address }) => {
      this.questions++;
      if (this.answers) this.#socket.send(answerTo(question), port, address);
    });
  }

  static async start(port = 0, host = '127.0.0.1'): Promise<StubNameServer> {
    const server = new StubNameServer();
    server.#socket.bind(port, host);
    await once(server.#socket, 'listening');
    return server;
  }

  /** `127.0.0.1:<port>` */
  get place(): string {
    const { address, port } = this.#socket.address();
    return `${address}:${port}`;
  }

  close(): void {
    this.#socket.close();
  }
}

/** RFC 1035 §4.1: the question again, and for A the answer 127.0.0.1; nothing for other types. */
function answerTo(question: Buffer): Buffer {
  let end = 12;
  while (question[end] !== 0) end += 1 + question[end]!;
  const type = question.readUInt16BE(end + 1);
  const asked = question.subarray(12, end + 5);
  const header = Buffer.from(question.subarray(0, 12));
  header.writeUInt16BE(0x8180, 2);
  header.writeUInt16BE(1, 4);
  header.writeUInt16BE(type === TYPE_A ? 1 : 0, 6);
  header.writeUInt32BE(0, 8);
  // A pointer to the name, A, IN, 1 s, 4 bytes.
  const a = Buffer.from([0xc0, 0x0c, 0, 1, 0, 1, 0, 0, 0, 1, 0, 4, 127, 0, 0, 1]);
  return Buffer.concat(type === TYPE_A ? [header, asked, a] : [header, asked]);
}
