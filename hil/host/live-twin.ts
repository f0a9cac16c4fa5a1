import type { SerialTwin } from '../../drivers/contract/index.js';
import { createWorld, registry } from '../../runtime/board/index.js';
import { seeded } from '../random.js';
import type { Chardev } from './chardev.js';

const POLL_MS = 20;
const NS_PER_MS = 1_000_000n;

/** A serial part's twin in real time at the far end of a line, until the returned function is called. */
export function startTwin(line: Chardev, part: string, seed: number): () => void {
  const definition = registry.twins.find(({ id, attachment }) => id === part && attachment === 'serial');
  if (!definition) throw new Error(`no serial twin: ${part}`);
  const twin = definition.create(seeded(seed)) as SerialTwin;
  const worldAt = createWorld(seed, BigInt(Date.now()) * NS_PER_MS - process.hrtime.bigint());
  const timer = setInterval(() => {
    const world = worldAt(process.hrtime.bigint());
    const heard = line.takeHeard();
    if (heard.length > 0) twin.hear(heard, world);
    const said = twin.speak(world);
    // What a part says into a cable that is not plugged in is lost.
    if (said.length > 0 && line.isConnected) line.say(said).catch(() => undefined);
  }, POLL_MS);
  return () => clearInterval(timer);
}
