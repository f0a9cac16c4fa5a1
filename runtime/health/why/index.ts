import type { Facts, Rule } from './facts.js';
import { type Cause, FINDING_KINDS, type Finding } from './finding.js';
import { disk, lost, worn } from './rules/disk.js';
import { config, crashes, process, reverted, time, watchdog } from './rules/life.js';
import { hot, memory, network, underVoltage } from './rules/machine.js';
import { antenna, parts } from './rules/parts.js';
import { receipts, uplink } from './rules/uplink.js';

export type { DiskFacts, Facts, LifeFacts, MachineFacts, WiringFact } from './facts.js';
export { type Cause, FINDING_KINDS, type Finding, type FindingKind } from './finding.js';
export { LISTENER_TODO, linkTodo, NETWORK_TODO, SIGNER_TODO } from './todo.js';

const RULES: readonly Rule[] = [
  config,
  crashes,
  reverted,
  underVoltage,
  disk,
  hot,
  process,
  watchdog,
  memory,
  parts,
  antenna,
  time,
  network,
  uplink,
  receipts,
  worn,
  lost,
];

/** The causes of whatever is not right, the deepest first, each with what follows from it. Nothing on a node that is well. */
export function why(facts: Facts): readonly Cause[] {
  const found = RULES.flatMap((rule) => rule(facts)).toSorted((a, b) => rank(a) - rank(b));
  const rootOf = (finding: Finding): Finding => {
    const cause = found.find((other) => finding.dueTo?.includes(other.kind) && rank(other) < rank(finding));
    return cause ? rootOf(cause) : finding;
  };
  return found
    .filter((finding) => rootOf(finding) === finding)
    .map((root) => ({
      ...root,
      breaks: found.filter((finding) => finding !== root && rootOf(finding) === root),
    }));
}

function rank({ kind }: Finding): number {
  return FINDING_KINDS.indexOf(kind);
}
