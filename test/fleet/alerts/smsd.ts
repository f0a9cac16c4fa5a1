import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const SMSD = '/usr/sbin/smsd';
/** Ends a PDU. */
const CTRL_Z = '\x1a';

/** For `{ skip }`: false, or the reason by name. */
export const WITHOUT_SMSD = existsSync(SMSD) ? false : 'smstools is not installed';

export interface Smsd {
  readonly outgoing: string;
  /** PDUs (3GPP TS 23.040, SMS-SUBMIT) that the modem was given, as hex. */
  readonly pdus: readonly string[];
  stop(): Promise<void>;
}

/** A real smsd with a modem that is a TCP port (its `device = @host:port`) and sends all it is given. */
export async function startSmsd(): Promise<Smsd> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-smsd-'));
  const pdus: string[] = [];
  const modem = createServer((socket) => answer(socket, pdus));
  modem.listen(0, '127.0.0.1');
  await once(modem, 'listening');
  const folders = ['outgoing', 'checked', 'incoming', 'failed', 'sent'];
  for (const name of folders) mkdirSync(join(folder, name));
  const config = [
    'devices = GSM1',
    ...folders.map((name) => `${name} = ${join(folder, name)}`),
    `logfile = ${join(folder, 'log')}`,
    `infofile = ${join(folder, 'info')}`,
    `pidfile = ${join(folder, 'pid')}`,
    'delaytime = 1',
    'autosplit = 3',
    '[GSM1]',
    `device = @127.0.0.1:${(modem.address() as AddressInfo).port}`,
    'incoming = no',
  ];
  writeFileSync(join(folder, 'conf'), `${config.join('\n')}\n`);
  const child: ChildProcess = spawn(SMSD, ['-t', `-c${join(folder, 'conf')}`], {
    stdio: 'ignore',
    cwd: folder,
  });
  return {
    outgoing: join(folder, 'outgoing'),
    pdus,
    async stop() {
      child.kill('SIGTERM');
      const end = setTimeout(() => child.kill('SIGKILL'), 5_000);
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
      clearTimeout(end);
      modem.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** As much of 3GPP TS 27.005 and 27.007 as smsd asks for. */
function answer(socket: Socket, pdus: string[]): void {
  let pending = '';
  socket.on('error', () => undefined);
  socket.on('data', (bytes) => {
    pending += bytes.toString('latin1');
    const end = pending.indexOf(CTRL_Z);
    if (end >= 0) {
      pdus.push(pending.slice(0, end));
      pending = pending.slice(end + 1);
      socket.write(`\r\n+CMGS: ${pdus.length}\r\n\r\nOK\r\n`);
    }
    for (let at = pending.indexOf('\r'); at >= 0; at = pending.indexOf('\r')) {
      const command = pending.slice(0, at);
      pending = pending.slice(at + 1);
      socket.write(replyTo(command));
    }
  });
}

function replyTo(command: string): string {
  if (command.startsWith('AT+CMGS=')) return '\r\n> ';
  const facts: readonly (readonly [RegExp, string])[] = [
    [/CPIN\?/, '+CPIN: READY'],
    [/CREG\?/, '+CREG: 0,1'],
    [/CSQ/, '+CSQ: 20,0'],
    [/CIMI/, '228010000000000'],
  ];
  const fact = facts.find(([asked]) => asked.test(command))?.[1];
  return `${fact ? `\r\n${fact}\r\n` : ''}\r\nOK\r\n`;
}
