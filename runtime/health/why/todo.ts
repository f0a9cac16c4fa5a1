import type { LinkFailureKind } from '../../uplink/index.js';

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
  tlsClient:
    'the broker asks for this node’s certificate: uplink.certificate and uplink.key must be there, signed by a CA that it knows',
  credentials: 'the file that uplink names can’t be read: its path, its owner, its mode',
  auth: 'the broker refuses user, password or certificate: ask who runs it to let this node in',
  identifier: 'the broker refuses this node’s id: ask who runs it',
  takenOver: 'another client has this node’s id: a copied card? each node has a key of its own (cairn init)',
  captivePortal: 'what answers is no MQTT broker: sign in to the network, or mend the port in uplink.url',
  deadline: 'the broker takes connections and answers nothing: ask who runs it',
};

/** The next thing to do with hands where a link fails: what `why` and `uplink test` say of the same cause. */
export function linkTodo(kind: LinkFailureKind): string {
  return TODO[kind] ?? 'cairn log --module uplink has what was tried';
}

/** No interface has an address. */
export const NETWORK_TODO = 'plug in the network, or look at the modem: its power, its SIM, its antenna';
/** The broker has nobody to give it to. */
export const LISTENER_TODO = 'start the fleet’s receiver, or let it subscribe to cairn/1/#';
/** The broker has it, and no receipt comes. */
export const SIGNER_TODO = 'is the fleet’s receiver up, and is its key the one in uplink.fleet?';
