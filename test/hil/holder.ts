import { openCdevLine } from '../../runtime/board/linux-gpio.js';
import { rig, setup } from './rig.js';

/** Another process that holds a line until it is ended. */
const name = process.argv[2]!;
const options = { direction: 'in', activeLow: false, bias: 'asIs', debounceUs: 0 } as const;
const held = openCdevLine(rig.line(name).config, name, options, setup);
process.stdout.write('held\n');
process.stdin.on('end', () => void held.close()).resume(); // a line that nobody refers to is let go
