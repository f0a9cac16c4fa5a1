import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { makeCa, startMosquitto, WITHOUT_MOSQUITTO } from '../../support/broker.js';
import { StubBroker } from '../../support/stub-broker.js';
import { type Bench, FAST, type Fault, MadeBench, TWIN } from './bench.js';
import { Machine } from './machine.js';

/** Nobody listens there (RFC 1122 §3.2.1.3: all of 127/8 is this machine). */
const NOBODY = '127.0.0.153';
/** A link that fails is a cause after 20 s. */
const FAILS_NS = 21_000_000_000n;

/** A broker that lets nobody in without a password. */
export async function stranger(): Promise<Bench> {
  const broker = await startMosquitto(['allow_anonymous false'].slice(WITHOUT_MOSQUITTO ? 1 : 0));
  const bench = await offline('stranger', `{ url: '${broker.url}', ${FAST} }`, {
    name: 'broker refuses',
    cause: /^1\. nothing leaves this node: the broker refused user, password or certificate/,
  });
  bench.made.onRemove(() => broker.remove());
  return bench;
}

/** A broker whose certificate ended yesterday. */
export async function late(): Promise<Bench> {
  const folder = mkdtempSync(join(tmpdir(), 'cairn-late-'));
  const ca = makeCa(join(folder, 'ca'));
  const broker = await StubBroker.start(ca.issue('127.0.0.1', -1));
  const bench = await offline('late', `{ url: '${broker.url}', ca: { file: ${ca.ca} }, ${FAST} }`, {
    name: 'certificate expired',
    cause: /^1\. nothing leaves this node: a certificate has expired/,
  });
  bench.made.onRemove(() => broker.close());
  bench.made.onRemove(() => rmSync(folder, { recursive: true }));
  return bench;
}

/** A name server that isn't there. */
export async function nameless(): Promise<Bench> {
  const machine = new Machine();
  machine.asks(NOBODY);
  const fault = {
    name: 'DNS dead',
    cause: /^1\. nothing leaves this node: .*broker\.cairn\.example.* do: look at the name server/,
  };
  return offline('nameless', `{ url: 'mqtt://broker.cairn.example', ${FAST} }`, fault, machine);
}

async function offline(
  name: string,
  uplink: string,
  fault: Omit<Fault, 'inject'>,
  machine = new Machine(),
): Promise<Bench & { readonly made: MadeBench }> {
  const made = await MadeBench.make({ name, parts: TWIN, uplink, machine });
  const inject = async () => {
    await made.node.until('it has failed for long', ({ uplink: link, time }) => {
      const sinceNs = link?.trouble?.sinceNs;
      return sinceNs !== undefined && BigInt(time.bootNs) - BigInt(sinceNs) > FAILS_NS;
    });
  };
  return { ...made, made, start: async () => made.start(), faults: [{ ...fault, inject }] };
}
