import { join } from 'node:path';
import { type Guest, startGuest } from '../../../hil/machine/qemu.js';
import { Qmp } from '../../../hil/machine/qmp.js';
import { SerialConsole } from '../../../hil/machine/serial-console.js';
import { addToRun, type RunFile } from '../../../hil/node-image/added.js';
import { type NodeImage, nodeDisks } from '../../../hil/node-image/index.js';
import { run } from '../../../hil/shell.js';

const SHELL_PORT = 'cairn.shell';
/** A root shell for the suite, on a port that only this QEMU has. */
export const SHELL: readonly RunFile[] = [
  {
    path: 'systemd/system/rig-shell.service',
    text: `[Unit]
StartLimitIntervalSec=0
[Service]
ExecStart=/bin/sh -c 'exec /bin/sh <>/dev/virtio-ports/${SHELL_PORT} >&0 2>&0'
Restart=always
RestartSec=1s
`,
  },
  { path: 'systemd/system/multi-user.target.wants/rig-shell.service', to: '../rig-shell.service' },
];

export interface NodeGuestOptions {
  readonly image: NodeImage;
  /** An empty folder. */
  readonly work: string;
  readonly files: readonly RunFile[];
  readonly args?: readonly string[];
  readonly timeoutMs: number;
  /** A node's small one when absent. */
  readonly memoryMiB?: number;
  /** A data disk that was used before; absent: a copy of the image's empty one. */
  readonly data?: string;
  /** Other disks than the image's two. */
  readonly disks?: readonly string[];
  /** Boots by UEFI from the first of `disks`, whose boot partition must hold the initrd that `files` went into. */
  readonly firmware?: boolean;
  /** Speaks to the serial line instead of keeping a log of it. */
  readonly console?: { readonly socket: string };
}

/**
 * A node image as it is flashed, booted, with a root shell beside it. What the suite adds lies in /run, put there by a second archive behind
 * the image's initrd: no byte of the image is changed.
 */
export class NodeGuest {
  #marks = 0;

  private constructor(
    readonly machine: Guest,
    readonly qmp: Qmp,
    private readonly shell: SerialConsole,
    readonly consoleLog: string,
  ) {}

  static async boot(options: NodeGuestOptions): Promise<NodeGuest> {
    const { image, work } = options;
    const at = (name: string) => join(work, name);
    const data = options.data ?? at('data.ext4');
    if (options.data === undefined && options.disks === undefined)
      run('cp', ['--sparse=always', image.emptyData, data]);
    addToRun(image, [...SHELL, ...options.files], at('initrd'));
    const machine = startGuest({
      arch: image.arch,
      ...(options.firmware ? {} : { kernel: image.kernel, initrd: at('initrd'), append: image.append }),
      console: options.console ?? { file: at('console.log') },
      qmp: at('qmp'),
      timeoutMs: options.timeoutMs,
      ...(options.memoryMiB === undefined ? {} : { memoryMiB: options.memoryMiB }),
      reboot: true,
      args: [
        ...(options.disks ?? nodeDisks(image, data)),
        ...shellPort(at('shell')),
        ...(options.args ?? []),
      ],
    });
    const ended = machine.exited.then(() => Promise.reject(new Error('the guest ended')));
    const opened = Promise.all([Qmp.connect(at('qmp')), SerialConsole.connect(at('shell'))]);
    const [qmp, shell] = await Promise.race([opened, ended]);
    return new NodeGuest(machine, qmp, shell, at('console.log'));
  }

  /** Waits for the shell to answer, after a boot. */
  async ready(timeoutMs: number): Promise<void> {
    const endMs = performance.now() + timeoutMs;
    for (;;) {
      try {
        await this.sh('true', 2_000);
        return;
      } catch (error) {
        if (performance.now() > endMs) throw error;
      }
    }
  }

  /** Runs a command as root; resolves to what it printed, rejects where it failed. */
  async sh(command: string, timeoutMs = 20_000): Promise<string> {
    const mark = `mark-${++this.#marks}`;
    // The mark is put together by the shell, so that it is not found in an echo of the command.
    this.shell.send(`{ ${command}\n} </dev/null 2>&1; echo "=${mark.replace('-', '-""')}= $?"\n`);
    const found = await this.shell.expect(new RegExp(`([\\s\\S]*?)=${mark}= (\\d+)\\n`), timeoutMs);
    if (found[2] !== '0') throw new Error(`${command}: exit code ${found[2]}\n${found[1]}`);
    return found[1]!
      .split(/=mark-\d+= \d+\n/)
      .at(-1)!
      .trim();
  }

  /** Asks until the answer is as wanted; rejects with the last answer. */
  async until(command: string, wanted: RegExp, timeoutMs: number): Promise<void> {
    for (const endMs = performance.now() + timeoutMs; ; ) {
      const said = await this.sh(`${command} || true`, timeoutMs);
      if (wanted.test(said)) return;
      if (performance.now() > endMs)
        throw new Error(`${command}: not ${wanted} in ${timeoutMs} ms:\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 1_000));
    }
  }

  async stop(): Promise<void> {
    this.machine.kill();
    this.qmp.close();
    this.shell.close();
    await this.machine.exited;
  }
}

function shellPort(socket: string): readonly string[] {
  return [
    ...['-chardev', `socket,id=shell,path=${socket},server=on,wait=off`],
    ...['-device', 'virtio-serial-pci', '-device', `virtserialport,chardev=shell,name=${SHELL_PORT}`],
  ];
}
