import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { disk, type Guest, startGuest } from '../machine/qemu.js';
import { connectTo } from '../machine/socket.js';
import type { NodeImage } from '../node-image/index.js';
import { run } from '../shell.js';
import { recordingFiles } from './recording.js';
import { addRigFiles, type Fault, faultWords } from './rig-files.js';
import { WitnessStand } from './witness.js';

const BOOT_TIMEOUT_MS = 420_000;
/** The replay of thousands of cuts keeps this process busy beside it. */
const PORT_TIMEOUT_MS = 120_000;
/** One machine for all its boots: a node that finds itself on another one begins anew. */
const MACHINE_UUID = '63616972-6e00-4000-8000-637574730000';

export interface LoggedBoot {
  readonly image: NodeImage;
  /** The project's folder. */
  readonly project: string;
  /** For this boot: the disk before it, the log, the console. */
  readonly folder: string;
  /** The data disk, which the machine writes to. */
  readonly data: string;
  /** The broker's port on this machine's loopback. */
  readonly brokerPort: number;
  readonly fault?: Fault;
}

/** A node that boots on a data disk whose writes are logged, heard through two ports, until its power is cut. */
export class LoggedMachine {
  readonly stand: WitnessStand;
  /** Seconds since the kernel began, by the guest's own clock, when the node said that it samples. */
  readyS: number | undefined;
  readonly #sockets: Socket[] = [];
  #cut = false;

  private constructor(
    readonly boot: LoggedBoot,
    readonly guest: Guest,
  ) {
    this.stand = WitnessStand.beside(recordingFiles(boot.folder).log);
  }

  static async start(boot: LoggedBoot): Promise<LoggedMachine> {
    const files = recordingFiles(boot.folder);
    mkdirSync(boot.folder, { recursive: true });
    run('cp', ['--sparse=always', boot.data, files.before]);
    writeFileSync(files.log, '');
    const { image } = boot;
    addRigFiles(boot, join(boot.folder, 'initrd'));
    const machine = new LoggedMachine(
      boot,
      startGuest({
        arch: image.arch,
        kernel: image.kernel,
        initrd: join(boot.folder, 'initrd'),
        append: [...image.append, ...faultWords(boot.fault)],
        memoryMiB: 512,
        console: { file: join(boot.folder, 'console.log') },
        args: argumentsOf(boot),
        timeoutMs: BOOT_TIMEOUT_MS,
      }),
    );
    machine.guest.exited.catch((error: Error) => {
      if (!machine.#cut) process.stderr.write(`[cuts] ${error.message}\n`);
    });
    await machine.#listen('commits', (text) => machine.stand.hear(text));
    await machine.#listen('ready', (text) => {
      machine.readyS ??= Number.parseFloat(text);
    });
    return machine;
  }

  /** How long the write log is, bytes. */
  get logBytes(): number {
    return statSync(recordingFiles(this.boot.folder).log).size;
  }

  /** Waits until it holds; false where the machine has ended or the time is over before. */
  async until(holds: () => boolean, withinMs: number): Promise<boolean> {
    let ended = false;
    void this.guest.exited
      .catch(() => undefined)
      .then(() => {
        ended = true;
      });
    for (const end = Date.now() + withinMs; !holds(); ) {
      if (ended || Date.now() > end) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
    return true;
  }

  /** The power goes. The disk as QEMU had written it is kept beside the log. */
  async cutPower(): Promise<void> {
    this.#cut = true;
    this.guest.kill();
    await this.guest.exited;
    for (const socket of this.#sockets) socket.destroy();
    run('cp', ['--sparse=always', this.boot.data, recordingFiles(this.boot.folder).live]);
  }

  async #listen(name: string, hear: (text: string) => void): Promise<void> {
    const path = join(this.boot.folder, name);
    const socket = await connectTo(path, PORT_TIMEOUT_MS);
    socket.setEncoding('utf8').on('data', hear);
    socket.on('error', () => socket.destroy()); // the machine is gone
    this.#sockets.push(socket);
  }
}

/** A fresh data disk of an image. */
export function freshData(image: NodeImage, path: string): void {
  if (existsSync(path)) throw new Error(`${path} is there already`);
  run('cp', ['--sparse=always', image.emptyData, path]);
}

function argumentsOf({ image, folder, data }: LoggedBoot): readonly string[] {
  const { log } = recordingFiles(folder);
  const port = (name: string) => [
    ...['-chardev', `socket,id=${name},path=${join(folder, name)},server=on,wait=off`],
    ...['-device', `virtserialport,chardev=${name},name=cairn.${name}`],
  ];
  return [
    ...['-uuid', MACHINE_UUID],
    ...disk('root', image.root, { readonly: true, serial: 'root' }),
    ...['-blockdev', `driver=file,node-name=data-file,filename=${data}`],
    ...['-blockdev', `driver=file,node-name=log-file,filename=${log}`],
    ...['-blockdev', 'driver=blklogwrites,node-name=data,file=data-file,log=log-file,log-sector-size=512'],
    // Discards and zeroes would leave no bytes in the log; a disk need not know them.
    ...['-device', 'virtio-blk-pci,drive=data,serial=data,write-cache=on,discard=off,write-zeroes=off'],
    ...['-device', 'virtio-serial-pci', ...port('commits'), ...port('ready')],
    ...['-netdev', 'user,id=net', '-device', 'virtio-net-pci,netdev=net'],
  ];
}
