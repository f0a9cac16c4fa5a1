import type { TestContext } from 'node:test';
import { type BoardDeps, openBoard, registry, type SurveyDeps } from '../../runtime/board/index.js';
import type { NodeConfig } from '../../runtime/config/types.js';
import { wiringRequests } from '../../runtime/requests/index.js';
import type { Lend } from '../../runtime/sampler/index.js';
import type { Heard } from '../../runtime/tap.js';
import { testDeps } from '../board/fixture.js';
import { noFiles } from './support.js';

/** The requests of a console where no node runs, over a board on which no part is opened. */
export async function requestsAlone(
  t: TestContext,
  config: NodeConfig,
  more: Partial<SurveyDeps> = {},
  parts: NodeConfig['parts'] = [],
) {
  const deps: BoardDeps & SurveyDeps = { ...testDeps(), files: noFiles, ...more };
  const board = await openBoard(config, deps, parts);
  t.after(() => board.close());
  const lend: Lend = (_part, _forMs, work) => work(new AbortController().signal);
  const requests = wiringRequests({ config, registry, wires: board.wires, deps, lend, isAlone: true });
  return { board, requests };
}

/** All that is answered. */
export async function all<T>(answers: unknown): Promise<readonly T[]> {
  const items: T[] = [];
  for await (const heard of answers as AsyncIterable<Heard<T>>) if ('item' in heard) items.push(heard.item);
  return items;
}
