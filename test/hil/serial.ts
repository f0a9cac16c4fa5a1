import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, test } from 'node:test';
import { openLinuxSerial } from '../../runtime/board/linux-serial.js';
import { Listener, SERIAL_FRAMING, serialContract, until } from '../contract/serial.js';
import { type FarEnd, findUart, ptyEnd, uartEnd, usbEnd } from './far-end.js';
import { Host } from './host.js';
import { full, lacking, native, rig, setup, sleep } from './rig.js';

/** The port contract on every kind of tty that the rig has, and what only a real line does. */

const BAUD = 115_200;
/** A 16550 hands over 16 bytes an interrupt: 40 kB/s where every instruction is translated. */
const UART_BULK_BYTES = full ? 1_000_000 : 40_000;

const noPty = lacking('programs.socat');
const noHost = lacking('services.host');
const host = noHost ? undefined : await Host.open(rig.service('host'));
after(() => host?.close());

function contract(name: string, make: () => Promise<FarEnd>, options = {}): void {
  serialContract(
    name,
    async () => {
      const end = await make();
      const framer = native.createFramer(SERIAL_FRAMING.kind, SERIAL_FRAMING.maxBytes);
      const port = await openLinuxSerial(end.device, BAUD, framer, setup);
      return {
        port,
        async say(bytes, chunk = 65_536) {
          await end.say(bytes, chunk < 64 ? { chunk, pauseMs: 1 } : { chunk });
        },
        heard: () => end.heard(),
        unplug: () => end.unplug(),
        plug: () => end.plug(),
        async close() {
          await port.close();
          await end.close();
        },
      };
    },
    options,
  );
}

if (noPty) test('a pty', { skip: noPty }, () => undefined);
else contract('a pty', ptyEnd);

if (!host) test('a 16550 and a USB adapter', { skip: noHost }, () => undefined);
else {
  contract('a 16550', () => uartEnd(host), { bulkBytes: UART_BULK_BYTES });
  if (full) contract('a USB adapter', () => usbEnd(host, 'CONTRACT1'));
}

// As printed in gpsd's NMEA page (checksum 68).
const SENTENCE = '$GPRMC,225446,A,4916.45,N,12311.12,W,000.5,054.7,191194,020.3,E*68';

test('a break costs the sentence that it falls into, and no other', { skip: noHost }, async (t) => {
  const end = await uartEnd(host!);
  const port = await openLinuxSerial(end.device, 9600, native.createFramer('nmea', 256), setup);
  t.after(async () => {
    await port.close();
    await end.close();
  });
  const told = new Listener(port);
  await until('the line is open', () => told.states.length === 1);
  const before = breaks();
  const bytes = (text: string) => Buffer.from(text, 'latin1');
  await end.say(bytes(`${SENTENCE}\r\n${SENTENCE.slice(0, 30)}`));
  await until('half a sentence', () => port.counters.bytes === SENTENCE.length + 32);
  await host!.ask({ do: 'break', line: 'uart' });
  await until('the break reads as a byte', () => port.counters.bytes === SENTENCE.length + 33);
  await end.say(bytes(`${SENTENCE.slice(30)}\r\n${SENTENCE}\r\n`));
  await until('the sentence after it', () => told.frames.length === 2);
  await sleep(50);
  assert.deepEqual(told.texts, [SENTENCE, SENTENCE]);
  assert.equal(port.counters.badChecksum, 1);
  assert.equal(breaks(), before + 1, 'the kernel counted it');
});

/** What the kernel's driver counted on the UART: `… brk:1 …` of /proc/tty/driver/serial. */
function breaks(): number {
  const number = findUart().tty.slice('ttyS'.length);
  const line = readFileSync('/proc/tty/driver/serial', 'utf8')
    .split('\n')
    .find((text) => text.startsWith(`${number}:`));
  return Number(/ brk:(\d+)/.exec(line ?? '')?.[1] ?? 0);
}
