import { register } from 'node:module';
import { PLANTS } from './index.js';

// For a process of its own: `node --import …/planted/register.js`, with the bug's place in the list in CAIRN_SIM_PLANT.
register('./hook.js', import.meta.url, { data: PLANTS[Number(process.env.CAIRN_SIM_PLANT)] });
