import { registry } from '../../runtime/board/index.js';
import { formatProblem, loadConfig, type NodeConfig } from '../../runtime/config/index.js';
import type { Rig } from '../rig.js';

const NODE = '/rig/node.yaml';
const BOARD = '/rig/board.yaml';
/** Long for a part, so that one that is emulated on a busy machine is not called stuck. */
const BUS_TIMEOUT = '1s';

/** What a rig's manifest says is wired to it, as a node and its board: each line a contact, each real part itself. */
export function asNode(rig: Rig): NodeConfig {
  // JSON is YAML.
  const texts: Readonly<Record<string, string>> = {
    [NODE]: JSON.stringify({ node: rig.name, board: './board.yaml', parts: partsOf(rig) }),
    [BOARD]: JSON.stringify(boardOf(rig)),
  };
  const loaded = loadConfig(NODE, {
    readFile: (path) => {
      const text = texts[path];
      if (text === undefined) throw new Error(`${path}: a rig includes nothing`);
      return text;
    },
    listFiles: () => [],
    registry,
    boardsPath: '/rig',
  });
  if (loaded.ok) return loaded.config;
  throw new Error(`rig ${rig.name}: ${loaded.problems.map(formatProblem).join('\n')}`);
}

function boardOf(rig: Rig): object {
  const only = ({ device }: { readonly device: string }) => ({ device });
  const patient = ({ device }: { readonly device: string }) => ({ device, timeout: BUS_TIMEOUT });
  return { title: rig.name, kind: 'linux', i2c: mapped(rig.buses, patient), serial: mapped(rig.ports, only) };
}

function partsOf(rig: Rig): object {
  const onLines = Object.entries(rig.lines ?? {}).map(
    ([name, { chip, line }]) => [lineId(name), { driver: 'contact', line: { chip, line } }] as const,
  );
  const onBuses = Object.entries(rig.buses ?? {}).flatMap(([bus, { parts = {} }]) =>
    Object.entries(parts).map(([name, part]) => [idOf(name), { ...part, bus }] as const),
  );
  const onPorts = Object.entries(rig.ports ?? {}).flatMap(([port, { driver, baud }]) =>
    driver === undefined ? [] : [[idOf(port), { driver, port, ...(baud ? { baud } : {}) }] as const],
  );
  return Object.fromEntries([...onLines, ...onBuses, ...onPorts]);
}

/** What a line's contact is called. */
export function lineId(name: string): string {
  return idOf(`line-${name}`);
}

/** As parts are named. */
function idOf(name: string): string {
  return name.toLowerCase();
}

function mapped<A, B>(entries: Readonly<Record<string, A>> = {}, change: (entry: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(entries).map(([name, entry]) => [name, change(entry)]));
}
