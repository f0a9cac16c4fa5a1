import { openLinuxSerial } from '../../runtime/board/linux-serial.js';
import { Pty } from '../board/pty.js';
import { SERIAL_FRAMING, serialContract } from '../contract/serial.js';
import { native, needs, setup } from './rig.js';

needs('programs.socat');

serialContract('a pty of a real kernel by serialport', async () => {
  const pty = await Pty.make();
  const framer = native.createFramer(SERIAL_FRAMING.kind, SERIAL_FRAMING.maxBytes);
  const port = await openLinuxSerial(pty.link, 115_200, framer, setup);
  return {
    port,
    say: (bytes, chunk) => pty.say(bytes, chunk),
    heard: () => pty.heard(),
    unplug: () => pty.unplug(),
    plug: () => pty.plug(),
    async close() {
      await port.close();
      await pty.close();
    },
  };
});
