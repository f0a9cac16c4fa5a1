import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { I2cTwinFaults, SerialTwin } from '../../drivers/contract/index.js';
import { native } from '../../native/index.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { SocketI2c } from '../../runtime/board/twin-socket.js';
import type { Pty } from '../board/pty.js';

/** An I2C bus whose twins live in a process of their own, and the knobs of their faults. */
export interface FaultyBus {
  set(address: number, faults: Partial<I2cTwinFaults>): Promise<void>;
  /** A brown-out of one part. */
  powerCycle(address: number): Promise<void>;
  stop(): Promise<void>;
}

/** `parts`: `bme280@0x76` and the like. */
export async function startFaultyBus(socket: string, parts: readonly string[]): Promise<FaultyBus> {
  const script = fileURLToPath(new URL('../board/twin-process.js', import.meta.url));
  const child = spawn(process.execPath, [script, socket, ...parts], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const knobs = new SocketI2c('knobs', socket);
  return {
    set: async (address, faults) => {
      await knobs.ask('knobs', { op: 'faults', address, faults });
    },
    powerCycle: async (address) => {
      await knobs.ask('knobs', { op: 'powerCycle', address });
    },
    stop: async () => {
      await knobs.close();
      const gone = once(child, 'exit');
      child.kill('SIGTERM');
      await gone;
    },
  };
}

/** A GNSS twin that speaks on a pty for as long as it is plugged; the returned function ends it. */
export function speakOn(pty: Pty, isPlugged: () => boolean): () => void {
  const twin = registry.twins.find(({ id }) => id === 'gnss')!.create(Math.random) as SerialTwin;
  const worldAt = createWorld(1, BigInt(Date.now()) * 1_000_000n - native.bootTimeNs());
  const timer = setInterval(() => {
    const bytes = twin.speak(worldAt(native.bootTimeNs()));
    if (isPlugged() && bytes.length > 0) void pty.say(bytes);
  }, 50);
  return () => clearInterval(timer);
}
