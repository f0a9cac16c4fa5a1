import type { FastifyInstance } from 'fastify';
import { STATES } from '../inputs.js';
import { nodesFor } from '../seen.js';
import type { WebDeps } from '../types.js';

type Sample = readonly [labels: Readonly<Record<string, string>>, value: number | bigint];

/** `/metrics`: Prometheus' text format, 0.0.4. */
export function metrics(app: FastifyInstance, deps: WebDeps): void {
  app.get('/metrics', { schema: { hide: true } as object }, async (request, reply) => {
    const nodes = await nodesFor(request.person, deps);
    const lost = nodes.reduce((sum, { lostRows }) => sum + lostRows, 0n);
    const text = [
      family(
        'cairn_nodes',
        'gauge',
        'Nodes by state',
        STATES.map((state) => [{ state }, nodes.filter((node) => node.state === state).length]),
      ),
      family('cairn_open_alerts', 'gauge', 'Alerts that are open', [
        [{}, nodes.reduce((sum, { openAlerts }) => sum + openAlerts, 0)],
      ]),
      family('cairn_lost_rows_total', 'counter', 'Rows that nodes accounted for as lost', [[{}, lost]]),
      family(
        'cairn_refused_messages_total',
        'counter',
        'Messages that were not taken, by cause',
        Object.entries(await deps.store.refusals()).map(([cause, count]) => [{ cause }, count]),
      ),
      family(
        'cairn_service_up',
        'gauge',
        '1 while the service is healthy',
        deps.health().services.map(({ name, state }) => [{ service: name }, state === 'healthy' ? 1 : 0]),
      ),
    ].join('');
    return reply.type('text/plain; version=0.0.4; charset=utf-8').send(text);
  });
}

function family(name: string, type: 'gauge' | 'counter', help: string, samples: readonly Sample[]): string {
  const lines = samples.map(([labels, value]) => `${name}${labelsOf(labels)} ${value}\n`);
  return `# HELP ${name} ${help}\n# TYPE ${name} ${type}\n${lines.join('')}`;
}

function labelsOf(labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? '' : `{${pairs.join(',')}}`;
}

function escaped(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n');
}
