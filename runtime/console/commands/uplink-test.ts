import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyIdOf } from '../../../wire/index.js';
import { systemClock, systemWallClock } from '../../clock/index.js';
import type { NodeConfig, UplinkConfig } from '../../config/index.js';
import { ask, controlPath, follow, toJson } from '../../control.js';
import { eventBy } from '../../events.js';
import { parsePublicKey } from '../../identity.js';
import type { PipelineStatus } from '../../pipeline.js';
import { type TestResult, testUplink } from '../../requests/index.js';
import { type ProbeCost, probePortsHere } from '../../uplink/index.js';
import {
  CONFIG_OPTION,
  type Command,
  CommandError,
  EXIT,
  type ExitCode,
  type Invocation,
} from '../command.js';
import { readRunning } from '../files.js';
import { kb } from '../status-lines.js';
import { wrapped } from '../text.js';
import { orUsage } from './grant.js';

/** With TLS and two certificates in a chain. */
const COST_BYTES = 8000;
/** Step, time, what was seen. */
const INDENT = 20;

export const uplinkTest: Command = {
  name: 'uplink test',
  topic: 'prove',
  summary:
    'tries the way to the fleet step by step: interface, DNS, TCP, TLS, MQTT, publish, and a receipt for an event of this node',
  usage: '[--config FILE]',
  examples: ['cairn uplink test', 'cairn uplink test --json'],
  options: CONFIG_OPTION,
  role: 'technician',
  onConsole: true,
  async run(call) {
    const config = readRunning(call);
    const { uplink } = config;
    if (!uplink) throw new CommandError(EXIT.failed, 'the node file has no uplink');
    const status = (await ask(controlPath(config.store.path), 'status')) as PipelineStatus | undefined;
    await agree(call, uplink, status);
    return tell(call, status ? inNode(call, config) : here(call, config, uplink));
  },
};

type Told = AsyncIterable<TestResult | ProbeCost>;

/** The node does it: it may read its keys, and it has the link. */
function inNode({ caller, signal }: Invocation, { store }: NodeConfig): Told {
  return follow(controlPath(store.path), 'testUplink', { by: eventBy(caller.name) }, signal) as Told;
}

function here({ caller, signal }: Invocation, { identityPath }: NodeConfig, config: UplinkConfig): Told {
  const file = join(identityPath, 'node.pub');
  const node = orUsage(() => keyIdOf(parsePublicKey(file, readFileSync(file, 'utf8'))));
  const ports = probePortsHere(systemClock(), systemWallClock());
  return testUplink({ config, node, ports, by: caller.name, signal });
}

async function tell({ json, terminal, signal }: Invocation, told: Told): Promise<ExitCode> {
  let isDone = false;
  let isLost = false;
  for await (const found of told) {
    if (signal.aborted) break;
    isDone = !('step' in found);
    if ('step' in found) isLost ||= found.outcome === 'failed';
    if (json) terminal.out(toJson(found));
    else for (const line of linesOf(found, terminal.columns)) terminal.out(line);
    await terminal.drained();
  }
  if (isDone) return isLost ? EXIT.failed : EXIT.ok;
  throw new CommandError(EXIT.failed, signal.aborted ? 'interrupted' : 'the node ended during the test');
}

const OUTCOMES: Readonly<Record<TestResult['outcome'], string>> = {
  ok: '',
  failed: 'FAILED: ',
  notReached: 'not reached',
  leftOut: 'left out: ',
};

function linesOf(found: TestResult | ProbeCost, columns: number): readonly string[] {
  if (!('step' in found)) {
    const { sentBytes, receivedBytes } = found;
    return wrapped(
      `cost: ${sentBytes} bytes sent, ${receivedBytes} received, without headers of TCP and IP`,
      columns,
      6,
    );
  }
  const { step, outcome, ms, text, todo } = found;
  const tookMs = outcome === 'ok' || outcome === 'failed' ? `${ms} ms` : '';
  const head = `${step.padEnd(10)}${tookMs.padStart(8)}  `;
  return [
    ...wrapped(head + OUTCOMES[outcome] + text, columns, INDENT),
    ...(todo === undefined ? [] : wrapped(`${'do:'.padStart(INDENT - 2)}  ${todo}`, columns, INDENT)),
  ];
}

/** Where bytes are counted, or may be: nobody knows by which link a node goes that has none just now. */
async function agree(
  { terminal, json }: Invocation,
  { links = [] }: UplinkConfig,
  status: PipelineStatus | undefined,
) {
  const budgets = status?.uplink?.budgets ?? [];
  const current = budgets.find(({ isCurrent }) => isCurrent);
  const isFree = status?.uplink?.link.state === 'online' && !current;
  if (links.length === 0 || isFree || !terminal.interactive || json) return;
  const what = current
    ? `Link ${current.link} has ${kb(current.leftBytes)} left of ${kb(current.budgetBytesPerDay)} a day`
    : `Links of this node have a budget (${links.map(({ name }) => name).join(', ')})`;
  terminal.err(`${what}. The test takes some ${kb(COST_BYTES)}, which the node does not count.`);
  if ((await terminal.ask('Test it? Type yes: '))?.trim() === 'yes') return;
  throw new CommandError(EXIT.failed, 'nothing was sent');
}
