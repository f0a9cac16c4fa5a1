/** Reads from twins of another process until it is killed: `node twin-client.js <socket>`. Writes a dot a read. */
import { SocketI2c } from '../../runtime/board/twin-socket.js';

const bus = new SocketI2c('i2c-9', process.argv[2]!);
for (;;) {
  await bus.transfer(0x76, { kind: 'readRegisters', register: 0xd0, length: 1 });
  process.stdout.write('.');
  await new Promise((resolve) => setTimeout(resolve, 2));
}
