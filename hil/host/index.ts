import { rmSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { Qmp } from '../machine/qmp.js';
import { connectTo } from '../machine/socket.js';
import { SerialLines } from './lines.js';
import { Recordings } from './recordings.js';
import { serveSteering } from './steering.js';
import { RIG_PORT } from './wire.js';

const CONNECT_TIMEOUT_MS = 10_000;

/** What is on the host beside a guest that runs the suites: the far ends of its serial lines, and the hand that plugs them. */
export interface RigHost {
  /** What QEMU needs for it. */
  readonly args: readonly string[];
  /** To be called once QEMU runs. */
  started(qmpSocket: string): Promise<void>;
  stop(): Promise<void>;
}

/** `work` holds the sockets; recordings are read in place from CAIRN_REAL_DATA or `../shared/data`. */
export async function startHost(
  work: string,
  options: { readonly full: boolean; readonly seed: number },
): Promise<RigHost> {
  const steeringPath = join(work, 'rig.sock');
  for (const name of ['rig', 'uart', 'usb0', 'usb1']) rmSync(join(work, `${name}.sock`), { force: true });
  const lines = new SerialLines(work);
  const recordings = new Recordings(process.env.CAIRN_REAL_DATA ?? join(process.cwd(), '../shared/data'));
  let steering: Socket | undefined;
  let qmp: Qmp | undefined;
  return {
    args: [
      ...lines.args,
      ...['-device', 'virtio-serial-pci,id=cairnrig'],
      ...['-chardev', `socket,id=rig,path=${steeringPath},server=on,wait=off`],
      ...['-device', `virtserialport,bus=cairnrig.0,chardev=rig,name=${RIG_PORT}`],
    ],
    async started(qmpSocket) {
      qmp = await Qmp.connect(qmpSocket);
      await lines.start(qmp);
      steering = await connectTo(steeringPath, CONNECT_TIMEOUT_MS);
      serveSteering(steering, { lines, recordings, ...options });
    },
    async stop() {
      steering?.destroy();
      lines.cut();
      qmp?.close();
    },
  };
}
