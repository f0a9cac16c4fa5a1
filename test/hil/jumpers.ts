import { openCdevLine } from '../../runtime/board/linux-gpio.js';
import { gpioContract } from '../contract/gpio.js';
import { needs, rig, SETTLE_MS, setup, sleep } from './rig.js';

/** Two lines of one machine and a wire between them: as on a bench, where nothing simulates the outside. */
needs('lines.LOOP.jumper');

gpioContract('a line joined to another by a wire', async (options) => {
  const { config, outside } = rig.line('LOOP');
  if (options.direction === 'in') outside.drive(0);
  else outside.release();
  await sleep(SETTLE_MS);
  const line = openCdevLine(config, 'loop', options, setup);
  return {
    line,
    drive: async (level) => {
      outside.drive(level);
      await sleep(SETTLE_MS);
    },
    outside: async () => {
      outside.release();
      await sleep(SETTLE_MS);
      return outside.level();
    },
    settle: () => sleep(SETTLE_MS),
    close: async () => {
      await line.close();
      outside.release();
    },
  };
});
