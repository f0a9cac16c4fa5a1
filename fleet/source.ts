import type { FleetConfig } from './config/index.js';
import type { Parts } from './parts.js';
import { contentOf, secretIn } from './secrets.js';
import { embeddedBroker, mqttSource, type Source } from './sources/index.js';
import { turnedAwayLog } from './turned-away.js';

type Broker = FleetConfig['broker'];
type OutsideBroker = Extract<Broker, { readonly url: string }>;
type OwnBroker = Exclude<Broker, OutsideBroker>;

export interface OpenedSource {
  readonly source: Source;
  /** How it is, for people. Rejects where nothing comes in. */
  state(): Promise<string>;
}

/** The fleet's own broker, or somebody else's. */
export function openSource({ config: { broker }, ...parts }: Parts): Promise<OpenedSource> {
  return 'url' in broker ? outside(broker, parts) : own(broker, parts);
}

type Needed = Pick<Parts, 'ingest' | 'receipts' | 'log'>;

async function own({ host, port, tls, open }: OwnBroker, { ingest, log }: Needed): Promise<OpenedSource> {
  const source = await embeddedBroker({
    ...{ host, port },
    // Beyond this machine there is a ca, and whoever connects has shown a certificate that bears its id.
    authorize: ({ certificateName }) => tls?.ca === undefined || certificateName !== undefined,
    readsAll: () => open === 'loopback' && tls === undefined,
    take: (topic, payload) => ingest.take(topic, payload),
    onTurnedAway: turnedAwayLog(log, () => performance.now()),
    ...(tls && {
      tls: {
        ...{ key: contentOf(tls.key), certificate: contentOf(tls.cert) },
        ...(tls.ca && { clientCa: contentOf(tls.ca) }),
      },
    }),
  });
  return { source, state: async () => `mqtt on port ${source.port}, ${source.clients} clients` };
}

async function outside(broker: OutsideBroker, { ingest, receipts, log }: Needed): Promise<OpenedSource> {
  const { url, clientId, shared, username, passwordFile, ca, cert, key } = broker;
  let trouble: string | undefined = `connecting to ${new URL(url).host}`;
  const said = new Set<string>();
  const source = mqttSource({
    ...{ url, clientId, take: (topic, payload) => ingest.take(topic, payload) },
    onState: (state, text) => {
      const full = `${text}${hintOf(text)}`;
      // That it is closed says less than why.
      if (state === 'connected') trouble = undefined;
      else if (trouble === undefined || text !== CLOSED) trouble = full;
      // Once, however often it is tried: the service says for how long.
      if (!said.has(full)) log[state === 'connected' ? 'info' : 'warn'](`broker: ${full}`);
      if (said.size < MAX_SAID) said.add(full);
    },
    onConnected: () => {
      said.clear();
      receipts.flush();
    },
    ...(shared && { share: shared }),
    ...(username && { username }),
    ...(passwordFile && { password: secretIn(passwordFile) }),
    ...(ca && { ca: contentOf(ca) }),
    ...(cert && key && { certificate: contentOf(cert), key: contentOf(key) }),
  });
  source.ready.catch((error: Error) => {
    trouble = error.message;
  });
  const state = async () => {
    if (trouble !== undefined) throw new Error(trouble);
    await source.ping();
    return new URL(url).host;
  };
  return { source, state };
}

const CLOSED = 'the connection is closed';
/** Different lines between two times that it is well. */
const MAX_SAID = 100;

const HINTS: readonly (readonly [RegExp, string])[] = [
  [
    /self-signed certificate|unable to (get|verify)/,
    '`ca` of the section broker names who signed the certificate',
  ],
  [/certificate required/, '`cert` and `key` of the section broker are what it wants to see'],
];

/** What to do about it, where the words come from a library. */
function hintOf(text: string): string {
  const hint = HINTS.find(([words]) => words.test(text))?.[1];
  return hint === undefined ? '' : `: ${hint}`;
}
