import type { LinkFailureKind, UplinkStatus } from '../../../uplink/index.js';
import type { Rule } from '../facts.js';
import type { Finding, FindingKind } from '../finding.js';

/** A link that is made anew, or a broker that restarts, is no trouble yet. */
const TROUBLE_NS = 20_000_000_000n;
/** Blocks that wait for the fleet's word although the broker has them. */
const RECEIPTS_NS = 300_000_000_000n;

const CERTIFICATE: readonly LinkFailureKind[] = [
  'tlsName',
  'tlsExpired',
  'tlsNotYetValid',
  'tlsUntrusted',
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

const TODO: Readonly<Partial<Record<LinkFailureKind, string>>> = {
  dns: 'look at the name server: resolvectl status; is the name in uplink.url right?',
  refused:
    'the machine answers and nobody listens, or no route leads there: is the broker up, is the port right?',
  timeout:
    'nothing comes back: a firewall, or a link without a way out; cairn log --module uplink has what was tried',
  tlsExpired: 'renew the certificate; a new file is taken at the next try. Or the clock is wrong: cairn time',
  tlsNotYetValid: 'set the clock: cairn time',
  tlsName: 'who answers is somebody else: a captive portal, or a wrong uplink.url',
  tlsUntrusted: 'uplink.ca must hold the CA that signed the broker’s certificate',
  credentials: 'the file that uplink names can’t be read: its path, its owner, its mode',
  auth: 'the broker refuses user, password or certificate: ask who runs it to let this node in',
  identifier: 'the broker refuses this node’s id: ask who runs it',
  takenOver: 'another client has this node’s id: a copied card? each node has a key of its own (cairn init)',
  captivePortal: 'what answers is no MQTT broker: sign in to the network, or mend the port in uplink.url',
  deadline: 'the broker takes connections and answers nothing: ask who runs it',
};

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
      todo: TODO[kind] ?? 'cairn log --module uplink has what was tried',
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
      todo: 'start the fleet’s receiver, or let it subscribe to cairn/1/#',
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
      todo: 'is the fleet’s receiver up, and is its key the one in uplink.fleet?',
    },
  ];
}
