import { connect, type Socket } from 'node:net';

const RETRY_MS = 50;

/** Connects to a Unix socket that somebody is about to make. */
export async function connectTo(path: string, timeoutMs: number): Promise<Socket> {
  for (const startMs = performance.now(); ; ) {
    try {
      return await connectOnce(path);
    } catch (error) {
      if (performance.now() - startMs > timeoutMs) {
        throw new Error(`${path}: nobody listens after ${timeoutMs} ms`, { cause: error });
      }
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

function connectOnce(path: string): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(socket);
    });
  });
}
