import { connect, createServer, type Socket } from 'node:net';

/** The node's way to the broker: can be cut, as a truck that drives out of coverage. */
export interface Gate {
  readonly port: number;
  readonly isUp: boolean;
  set(isUp: boolean): void;
  close(): void;
}

export async function openGate(brokerPort: number): Promise<Gate> {
  const sockets = new Set<Socket>();
  let isUp = true;
  const server = createServer((socket) => {
    if (!isUp) return void socket.destroy();
    const onward = connect(brokerPort, '127.0.0.1');
    for (const [one, other] of [
      [socket, onward],
      [onward, socket],
    ] as const) {
      sockets.add(one);
      one.setNoDelay(true).pipe(other);
      one.on('error', () => one.destroy());
      one.on('close', () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: await portOf(server, 0),
    get isUp() {
      return isUp;
    },
    set: (up) => {
      isUp = up;
      if (!up) cut();
    },
    close: () => {
      server.close();
      cut();
    },
  };
}

/** The wanted port of loopback where nobody has it, else any other that is free. */
export async function freePort(wanted: number): Promise<number> {
  const server = createServer();
  const port = await portOf(server, wanted);
  await new Promise((resolve) => server.close(resolve));
  return port;
}

function portOf(server: ReturnType<typeof createServer>, wanted: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && wanted !== 0) portOf(server, 0).then(resolve, reject);
      else reject(error);
    });
    server.listen(wanted, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : wanted);
    });
  });
}
