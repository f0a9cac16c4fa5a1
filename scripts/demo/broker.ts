import { createServer, type Server, type Socket } from 'node:net';
import { Aedes } from 'aedes';

export interface DemoBroker {
  /** For the node: can be cut. */
  readonly nodePort: number;
  /** For everybody else. */
  readonly port: number;
  /** Cuts or restores the node's way to the broker, as a truck that drives out of coverage. */
  setLink(up: boolean): void;
  readonly linkUp: boolean;
  close(): Promise<void>;
}

/** An embedded broker with two doors on loopback, one of which can be shut. */
export async function startBroker(wantedPort: number): Promise<DemoBroker> {
  const aedes = await Aedes.createBroker();
  const nodeSockets = new Set<Socket>();
  let linkUp = true;
  const open = createServer((socket) => aedes.handle(socket));
  const gated = createServer((socket) => {
    if (!linkUp) return void socket.destroy();
    nodeSockets.add(socket);
    socket.on('close', () => nodeSockets.delete(socket));
    aedes.handle(socket);
  });
  const port = await listen(open, wantedPort);
  const nodePort = await listen(gated, 0);
  return {
    port,
    nodePort,
    get linkUp() {
      return linkUp;
    },
    setLink: (up) => {
      linkUp = up;
      if (!up) for (const socket of nodeSockets) socket.destroy();
    },
    close: async () => {
      for (const socket of nodeSockets) socket.destroy();
      await new Promise<void>((resolve) => aedes.close(() => resolve()));
      open.close();
      gated.close();
    },
  };
}

/** The wanted port, or any other where that one is taken. */
function listen(server: Server, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' && port !== 0) listen(server, 0).then(resolve, reject);
      else reject(error);
    });
    server.listen(port, '127.0.0.1', () => {
      const address = server.address();
      resolve(typeof address === 'object' && address ? address.port : port);
    });
  });
}
