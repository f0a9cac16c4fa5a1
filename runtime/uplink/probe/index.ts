import { connect, isIP, type Socket } from 'node:net';
import { errorFailure, failure, type LinkFailureKind } from '../failure.js';
import { interfaceOf } from '../link-class.js';
import { brokerPlace } from '../socket.js';
import { ProbeSession } from './mqtt.js';
import { openTls } from './tls.js';
import {
  PROBE_STEPS,
  type ProbeCost,
  ProbeError,
  type ProbeOptions,
  type ProbeResult,
  type ProbeStep,
} from './types.js';

export { probePortsHere } from './ports.js';
export type { ProbeCost, ProbeFailureKind, ProbePorts, ProbeResult, ProbeStep } from './types.js';

const DEADLINE_MS = 10_000;
const LOOPBACK = /^(localhost|127\.|::1$)/;

/**
 * Goes a message's way to the broker and an answer's way back, step by step, with the node's own credentials and a client id of the test's
 * own: a node that is online stays so. Tells each step as it ends, all that it doesn't reach too, and last what it cost.
 */
export async function* probeLink(options: ProbeOptions): AsyncGenerator<ProbeResult | ProbeCost> {
  const probe = new Probe(options);
  const { signal, ports } = options;
  const cut = () => probe.cut();
  signal?.addEventListener('abort', cut);
  let isLost = false;
  try {
    for (const step of PROBE_STEPS) {
      const beganNs = ports.clock.nowNs();
      const result: Outcome = isLost ? NOT_REACHED : await probe.take(step);
      if (signal?.aborted) return;
      isLost ||= result.outcome === 'failed';
      yield { step, ...result, ms: Math.round(Number(ports.clock.nowNs() - beganNs) / 1e6) };
    }
    await probe.end();
    yield probe.cost();
  } finally {
    signal?.removeEventListener('abort', cut);
    probe.cut();
  }
}

type Outcome = Omit<ProbeResult, 'step' | 'ms'>;
/** What it means where nothing comes back in time. */
const LATE: Readonly<Partial<Record<ProbeStep, LinkFailureKind>>> = {
  dns: 'dns',
  mqtt: 'deadline',
  publish: 'deadline',
};
const NOT_REACHED: Outcome = { outcome: 'notReached', text: '' };

class Probe {
  readonly #place: ReturnType<typeof brokerPlace>;
  /** All that were opened: what they carried is the cost. */
  readonly #opened: Socket[] = [];
  #addresses: readonly { readonly address: string; readonly family: number }[] = [];
  #socket: Socket | undefined;
  #session: ProbeSession | undefined;
  readonly #steps: Readonly<Record<ProbeStep, () => Promise<string> | string>> = {
    interface: () => this.#interface(),
    dns: () => this.#dns(),
    tcp: () => this.#tcp(),
    tls: () => this.#tls(),
    mqtt: () => this.#mqtt(),
    publish: () => this.#session!.published(),
  };

  constructor(private readonly options: ProbeOptions) {
    this.#place = brokerPlace(options.config);
  }

  async take(step: ProbeStep): Promise<Outcome> {
    try {
      return { outcome: 'ok', text: await this.#inTime(step, async () => this.#steps[step]()) };
    } catch (error) {
      if (!(error instanceof ProbeError)) throw error;
      return { outcome: 'failed', kind: error.kind, text: error.message };
    }
  }

  end(): Promise<void> | undefined {
    return this.#session?.end();
  }

  cut(): void {
    for (const socket of this.#opened) socket.destroy();
  }

  cost(): ProbeCost {
    const sum = (of: (socket: Socket) => number) =>
      this.#opened.reduce((bytes, socket) => bytes + of(socket), 0);
    return {
      sentBytes: sum(({ bytesWritten }) => bytesWritten),
      receivedBytes: sum(({ bytesRead }) => bytesRead),
    };
  }

  async #inTime<T>(step: ProbeStep, work: () => Promise<T>): Promise<T> {
    const { deadlineMs = DEADLINE_MS, signal, ports } = this.options;
    let leave: (text: string) => void = () => undefined;
    const late = new Promise<never>((_, reject) => {
      leave = (text) => reject(ProbeError.of(failure(LATE[step] ?? 'timeout', text)));
    });
    const timer = ports.clock.after(deadlineMs, () =>
      leave(`nothing came back within ${deadlineMs / 1000} s`),
    );
    const stop = () => leave('interrupted');
    signal?.addEventListener('abort', stop);
    try {
      return await Promise.race([work(), late]);
    } finally {
      timer.cancel();
      signal?.removeEventListener('abort', stop);
    }
  }

  #interface(): string {
    const { ports } = this.options;
    if (LOOPBACK.test(this.#place.host)) return 'lo: the broker is on this machine';
    const found = Object.entries(ports.interfaces()).flatMap(([name, infos]) => {
      const addresses = infos?.filter((info) => !info.internal && !info.address.startsWith('fe80:'));
      return addresses?.length ? [`${name} ${addresses.map(({ address }) => address).join(' ')}`] : [];
    });
    if (found.length === 0)
      throw new ProbeError(
        'noNetwork',
        'no interface has an address, but loopback and addresses of the link alone',
      );
    const by = ports.defaultInterface();
    return `${found.join(', ')}; ${by === undefined ? 'there is no default route' : `the default route is by ${by}`}`;
  }

  #dns(): Promise<string> | string {
    const { host } = this.#place;
    if (isIP(host)) {
      this.#addresses = [{ address: host, family: isIP(host) }];
      return `nothing to look up: ${host} is an address`;
    }
    return new Promise((resolve, reject) =>
      this.options.ports.askAll(host, (error, addresses) => {
        this.#addresses = addresses ?? [];
        if (error) reject(ProbeError.of(failure('dns', `no address for ${host}: ${error.message}`)));
        else if (addresses.length === 0) reject(ProbeError.of(failure('dns', `${host} has no address`)));
        else resolve(`${host} is ${addresses.map(({ address }) => address).join(', ')}`);
      }),
    );
  }

  #tcp(): Promise<string> {
    const { host, port } = this.#place;
    return new Promise((resolve, reject) => {
      const socket = connect({
        ...{ host, port, noDelay: true },
        lookup: (_host, { all }, callback) => {
          const [first] = this.#addresses;
          if (all) callback(null, [...this.#addresses]);
          else callback(null, first!.address, first!.family);
        },
      });
      this.#opened.push(socket);
      this.#socket = socket;
      socket.on('error', (error) => reject(ProbeError.of(tcpFailure(error))));
      socket.once('connect', () => {
        const { remoteAddress, localAddress } = socket;
        const by = interfaceOf(localAddress, this.options.ports.interfaces);
        resolve(`connected to ${remoteAddress} port ${port}, from ${localAddress}${by ? ` (${by})` : ''}`);
      });
    });
  }

  async #tls(): Promise<string> {
    const { host, isSecure } = this.#place;
    if (!isSecure) return 'none: uplink.url is mqtt://, and all that is said is in the clear';
    const { socket, text } = await openTls(
      this.#socket!,
      host,
      this.options.config,
      this.options.ports.wallMs(),
    );
    this.#socket = socket;
    return text;
  }

  /** As the uplink does: MQTT 5, and 3.1.1 for a broker that doesn't know it, which says so or just closes. */
  async #mqtt(): Promise<string> {
    const { protocol } = this.options.config;
    if (protocol !== 'auto') return this.#connect(protocol === '5' ? 5 : 4);
    try {
      return await this.#connect(5);
    } catch (error) {
      if (!(error instanceof ProbeError) || !['version', 'closed', 'reset'].includes(error.kind)) throw error;
      await this.#tcp();
      await this.#tls();
      return `${await this.#connect(4)}; MQTT 5 was refused`;
    }
  }

  #connect(protocol: 4 | 5): Promise<string> {
    const { config, node, ports } = this.options;
    this.#session = new ProbeSession(this.#socket!, config, node, protocol, ports.clock);
    return this.#session.connected();
  }
}

/** Of several addresses that were tried each has an error of its own. */
function tcpFailure(error: Error) {
  const [first] = (error as AggregateError).errors ?? [];
  return errorFailure(first instanceof Error && error.message === '' ? first : error, false);
}
