// Begins and finishes a wipe, and kills itself as a power cut would at the so many-th step: wipe-child.js MAIN IDENTITY STORE WHAT STEP.
import { existsSync, readdirSync } from 'node:fs';
import { textFiles } from '../../runtime/text-files.js';
import { placesOf } from '../../runtime/update/index.js';
import { State } from '../../runtime/update/state-files.js';
import { beginWipe, finishWipe, type WipeDisk, wipeDisk } from '../../runtime/update/wipe.js';

const [main = '', identityPath = '', store = '', what = '', dieAt = '0'] = process.argv.slice(2);
const places = placesOf({ main, files: { [main]: `store: { path: ${store} }\n` }, sha256: '' });
let left = Number(dieAt);
/** Before it is done, and between it and the next. */
const step = () => {
  if (--left === 0) process.kill(process.pid, 'SIGKILL');
};
const files = textFiles(places.state);
const dying = {
  ...files,
  write: (name: string, text: string) => {
    step();
    files.write(name, text);
  },
};
const state = new State(dying, () => undefined);
const disk: WipeDisk = {
  // An entry at a time, so that it can die between any two.
  empty: (folder, keep) => {
    const all = namesIn(folder).filter((name) => !keep.includes(name));
    for (const [i] of all.entries()) {
      step();
      wipeDisk.empty(folder, [...keep, ...all.slice(i + 1)]);
    }
  },
  remove: (file) => {
    step();
    wipeDisk.remove(file);
  },
};

function namesIn(folder: string): readonly string[] {
  return existsSync(folder) ? readdirSync(folder).sort() : [];
}

const config = { store: { path: store } as never, identityPath };
if (!state.get('wipe'))
  beginWipe(state, { kind: 'wipe', id: '1', by: 'owner kim', what: what as 'all' }, config, places);
finishWipe(state, places, () => undefined, disk);
