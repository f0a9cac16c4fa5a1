import { execFile } from 'node:child_process';
import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { ask, ControlError, controlPath, toJson } from '../../control.js';
import { CONFIG_OPTION, type Command, CommandError, EXIT, type Invocation } from '../command.js';
import { checkRunning, configPath } from '../files.js';

/** A service manager takes a request within milliseconds; a busy board takes longer. */
const TAKEN_WITHIN_MS = 5_000;
const LOOK_MS = 100;

/** The last step, apart from all that leads there. */
export interface RebootPorts {
  /** Whoever watches this file reboots the machine, and takes it away first (install/cairn-reboot.path). */
  readonly requestFile: string;
  /** The caller may do it himself. */
  isRoot(): boolean;
  /** Stops the node, then reboots; rejects where there is no way. */
  rebootNow(): Promise<void>;
  wait(ms: number): Promise<void>;
}

export function reboot(ports: RebootPorts = portsHere()): Command {
  return {
    name: 'reboot',
    topic: 'machine',
    summary: 'stop the node in order, then restart the machine; asks for a yes',
    usage: '[--config FILE]',
    examples: ['cairn reboot'],
    options: CONFIG_OPTION,
    role: 'technician',
    onConsole: true,
    async run(call) {
      const { terminal, signal } = call;
      terminal.err('The node ends in order, then the machine restarts. This session ends with it.');
      const answer = await terminal.ask('Restart the machine? Type yes: ');
      if (answer?.trim() !== 'yes' || signal.aborted)
        throw new CommandError(EXIT.usage, 'not agreed to\nNothing was done.');
      await record(call);
      if (!(await leave(call, ports))) await byOwnRights(ports);
      if (call.json) terminal.out(toJson({ reboot: true }));
      else terminal.out('It restarts.');
      return EXIT.ok;
    },
  };
}

/** So that the fleet knows why the node was away. A node that can't be told is restarted all the same. */
async function record(call: Invocation): Promise<void> {
  const { caller, terminal } = call;
  const checked = checkRunning(configPath(call), () => undefined);
  if (!checked.ok) return;
  const params = {
    kind: 'reboot',
    by: `${caller.role} ${caller.name}`.slice(0, 64),
    text: 'asked for by hand',
  };
  try {
    await ask(controlPath(checked.config.store.path), 'event', { params });
  } catch (error) {
    if (!(error instanceof ControlError)) throw error;
    terminal.err(`The node could not write it down: ${error.message}`);
  }
}

/** False where nobody took it: then it is gone again. */
async function leave({ caller, signal }: Invocation, ports: RebootPorts): Promise<boolean> {
  const { requestFile } = ports;
  try {
    writeFileSync(requestFile, `${caller.role} ${caller.name}\n`);
  } catch {
    // No such folder, or not for this user: then nobody watches it for him.
    return false;
  }
  for (let waitedMs = 0; waitedMs < TAKEN_WITHIN_MS && !signal.aborted; waitedMs += LOOK_MS) {
    if (!existsSync(requestFile)) return true;
    await ports.wait(LOOK_MS);
  }
  if (!existsSync(requestFile)) return true;
  rmSync(requestFile, { force: true });
  return false;
}

async function byOwnRights(ports: RebootPorts): Promise<void> {
  const how = 'as root, type: systemctl stop cairn; systemctl reboot';
  if (!ports.isRoot())
    throw new CommandError(
      EXIT.failed,
      `nobody here restarts the machine for you (cairn-reboot.path is not installed, or not active); ${how}`,
    );
  try {
    await ports.rebootNow();
  } catch (error) {
    throw new CommandError(EXIT.failed, `the machine does not restart: ${(error as Error).message}; ${how}`);
  }
}

function portsHere(): RebootPorts {
  const run = promisify(execFile);
  return {
    requestFile: '/run/cairn-console/reboot',
    isRoot: () => process.getuid?.() === 0,
    rebootNow: async () => {
      // Where there is no such service the machine's own shutdown ends the node, by SIGTERM.
      await run('systemctl', ['stop', 'cairn.service']).catch(() => undefined);
      await run('systemctl', ['reboot']).catch(() => run('reboot'));
    },
    wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
  };
}
