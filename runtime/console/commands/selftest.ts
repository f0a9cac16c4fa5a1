import type { NodeConfig } from '../../config/index.js';
import { ask, controlPath, follow, toJson } from '../../control.js';
import { diskFacts } from '../../disk-facts.js';
import { machineFacts } from '../../machine-facts.js';
import type { PipelineStatus } from '../../pipeline.js';
import type { TestedPart } from '../../requests/index.js';
import type { Heard } from '../../tap.js';
import { CONFIG_OPTION, type Command, EXIT, type Invocation } from '../command.js';
import { readRunning } from '../files.js';
import { testPartsAlone } from '../parts-alone.js';
import { commitTest, filesTest, machineTests, nodeTests, type Tested } from '../self-tests.js';
import { wrapped } from '../text.js';
import { quietDeps } from './store.js';

export const selftest: Command = {
  name: 'selftest',
  topic: 'prove',
  summary: 'each part probed and sampled, store, time, memory, disk, supply, uplink: ok or not, and why',
  usage: '[--config FILE]',
  examples: ['cairn selftest', 'cairn selftest --json'],
  options: CONFIG_OPTION,
  role: 'technician',
  onConsole: true,
  async run(call) {
    const { terminal, signal, caller } = call;
    const config = readRunning(call);
    const storePath = config.store.path;
    const node = (await ask(controlPath(storePath), 'status')) as PipelineStatus | undefined;
    const tested: Tested[] = [];
    const tell = (result: Tested) => {
      tested.push(result);
      sayTested(call, result);
    };
    if (node) await partsOfNode(call, storePath, tell);
    else await testPartsAlone(call, config, (result) => tell(ofPart(result)));
    if (signal.aborted) return EXIT.failed;
    for (const result of await besidesParts(config, node)) tell(result);
    const by = `${caller.role} ${caller.name}`;
    tell(
      node ? await commitTest(storePath, node, by, tested) : await filesTest(storePath, quietDeps(terminal)),
    );
    const failed = tested.filter(({ isOk }) => !isOk).length;
    if (!call.json)
      terminal.out(failed === 0 ? `all ${tested.length} ok` : `${failed} of ${tested.length} failed`);
    return failed === 0 ? EXIT.ok : EXIT.failed;
  },
};

async function partsOfNode(
  { signal }: Invocation,
  storePath: string,
  tell: (result: Tested) => void,
): Promise<void> {
  const answers = follow(controlPath(storePath), 'testParts', undefined, signal) as AsyncIterable<
    Heard<TestedPart>
  >;
  for await (const heard of answers) if ('item' in heard) tell(ofPart(heard.item));
}

function ofPart({ part, isOk, found }: TestedPart): Tested {
  return { what: `part ${part}`, isOk, found };
}

async function besidesParts(
  config: NodeConfig,
  node: PipelineStatus | undefined,
): Promise<readonly Tested[]> {
  const machine = machineTests(await machineFacts(), await diskFacts(config.store.path));
  const untested = 'it does not run: time and uplink are not tested (cairn why)';
  return [...machine, ...(node ? nodeTests(node) : [{ what: 'node', isOk: false, found: untested }])];
}

/** `part climate      ok    BME280, temperature 21.4 Cel` */
function sayTested({ terminal, json }: Invocation, result: Tested): void {
  if (json) terminal.out(toJson(result));
  else {
    const text = `${result.what.padEnd(18)} ${result.isOk ? 'ok  ' : 'FAIL'}  ${result.found}`;
    for (const line of wrapped(text, terminal.columns, 25)) terminal.out(line);
  }
}
