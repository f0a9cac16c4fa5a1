import type { LinkFailureKind, UplinkStatus } from '../../../uplink/index.js';
import type { Rule } from '../facts.js';
import type { Finding, FindingKind } from '../finding.js';
import { LISTENER_TODO, linkTodo, SIGNER_TODO } from '../todo.js';

/** A link that is made anew, or a broker that restarts, is no trouble yet. */
const TROUBLE_NS = 20_000_000_000n;
/** Blocks that wait for the fleet's word although the broker has them. */
const RECEIPTS_NS = 300_000_000_000n;

const CERTIFICATE: readonly LinkFailureKind[] = [
  'tlsName',
  'tlsExpired',
  'tlsNotYetValid',
  'tlsUntrusted',
  'tlsClient',
  'tls',
  'credentials',
];
const REFUSED: readonly LinkFailureKind[] = [
  'refused',
  'auth',
  'identifier',
  'version',
  'busy',
  'takenOver',
  'captivePortal',
  'subscription',
];

/** Why nothing leaves: a cause, as far down as the link's last failure shows. */
export const uplink: Rule = ({ node, nowNs }) => {
  const trouble = node?.uplink?.trouble;
  if (!trouble || nowNs - trouble.sinceNs < TROUBLE_NS) return [];
  const { kind, text, failures, sinceNs } = trouble;
  return [
    {
      kind: kindOf(kind),
      about: 'uplink',
      what: `nothing leaves this node: ${text}`,
      sinceNs,
      evidence: [`${failures} tries in a row failed, the last one by: ${kind}`],
      todo: linkTodo(kind),
      dueTo: kind === 'tlsNotYetValid' ? ['network.down', 'time.unset'] : ['network.down'],
    },
  ];
};

function kindOf(kind: LinkFailureKind): FindingKind {
  if (kind === 'dns') return 'uplink.dns';
  if (CERTIFICATE.includes(kind)) return 'uplink.certificate';
  return REFUSED.includes(kind) ? 'uplink.refused' : 'uplink.down';
}

/** The link is up, and what leaves by it is not freed. */
export const receipts: Rule = ({ node, nowNs }) => {
  const status = node?.uplink;
  if (status?.link.state !== 'online') return [];
  const { since } = status.link;
  return [...unheard(status, since), ...unsigned(status, nowNs, since)];
};

function unheard({ refusals, lastReceiptNs }: UplinkStatus, onlineNs: bigint): readonly Finding[] {
  const count = refusals.noSubscriber ?? 0;
  if (count === 0 || (lastReceiptNs !== undefined && lastReceiptNs >= onlineNs)) return [];
  return [
    {
      kind: 'uplink.receipts',
      about: 'uplink',
      what: 'the broker takes what is sent, and has nobody to give it to: it is kept',
      sinceNs: onlineNs,
      evidence: [`${count} answers said: no subscriber (0x10)`],
      todo: LISTENER_TODO,
    },
  ];
}

function unsigned(
  { custody, waiting, lastReceiptNs, badReceipts }: UplinkStatus,
  nowNs: bigint,
  onlineNs: bigint,
): readonly Finding[] {
  const lastNs = lastReceiptNs !== undefined && lastReceiptNs > onlineNs ? lastReceiptNs : onlineNs;
  if (custody !== 'fleet' || waiting === 0 || nowNs - lastNs < RECEIPTS_NS) return [];
  const bad = Object.entries(badReceipts).map(([cause, count]) => `${count} receipts were no good: ${cause}`);
  return [
    {
      kind: 'uplink.receipts',
      about: 'uplink',
      what: 'the fleet signs no receipts: all that is sent is kept, too',
      sinceNs: lastNs,
      evidence: [`${waiting} blocks wait for a receipt`, ...bad],
      todo: SIGNER_TODO,
    },
  ];
}
