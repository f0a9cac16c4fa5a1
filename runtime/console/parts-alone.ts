import { openBoard, registry, surveyParts } from '../board/index.js';
import type { NodeConfig } from '../config/index.js';
import { type TestedPart, testParts } from '../requests/index.js';
import { createSampler } from '../sampler/index.js';
import { SeenRows } from '../seen-rows.js';
import type { Invocation } from './command.js';
import { boardDeps } from './hardware.js';

/** Tests the parts where no node runs: through the real drivers and the real sampler. */
export async function testPartsAlone(
  { terminal, signal }: Pick<Invocation, 'terminal' | 'signal'>,
  config: NodeConfig,
  say: (result: TestedPart) => void,
): Promise<void> {
  const deps = boardDeps({ err: () => undefined }); // what it would say is in the answer
  const board = await openBoard(config, deps);
  const seen = new SeenRows();
  const sampler = createSampler({
    ...{ board, clock: deps.clock, random: deps.random },
    declare: (streams) => {
      for (const stream of streams) seen.declare(stream);
    },
    emit: (rows) => seen.take(rows),
    log: () => undefined,
  });
  if (terminal.interactive) terminal.err('no node runs: the parts are asked from here …');
  sampler.start();
  try {
    const tested = {
      ...{ config, clock: deps.clock, seen, status: sampler.status },
      sampleNow: (partId: string) => void sampler.send({ kind: 'sample', partId }),
      survey: (parts: NodeConfig['parts']) =>
        surveyParts(parts, { config, registry, wires: board.wires, deps: { ...deps, signal } }),
    };
    await testParts(tested, say, signal);
  } finally {
    await sampler.stop();
    await board.close();
  }
}
