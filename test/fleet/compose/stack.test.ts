import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { parse } from 'yaml';
import { type FleetConfig, parseConfig } from '../../../fleet/config/index.js';
import { COMPOSE, makeSecrets, newFolder, read, without } from './files.js';

interface Service {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly healthcheck?: { readonly test?: readonly string[] };
  readonly networks: Readonly<Record<string, { readonly ipv4_address?: string } | null>>;
  readonly ports?: readonly (string | { readonly published: number; readonly target: number })[];
  readonly secrets?: readonly { readonly source: string }[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly depends_on?: Readonly<Record<string, { readonly condition: string }>>;
  readonly [key: string]: unknown;
}

interface Stack {
  readonly services: Readonly<Record<string, Service>>;
  readonly secrets: Readonly<Record<string, { readonly file: string }>>;
}

/** As docker-compose understands it; it has read the file by the schema then. */
function composed(t: TestContext, env: NodeJS.ProcessEnv): Stack {
  const args = ['-f', join(COMPOSE, 'compose.yaml'), '--profile', 'mosquitto', 'config'];
  const cwd = newFolder(t);
  const path = { PATH: process.env.PATH };
  return parse(
    execFileSync('docker-compose', args, { cwd, env: { ...path, ...env }, encoding: 'utf8', stdio: 'pipe' }),
  );
}

const options = { skip: without('docker-compose') };
const env = { CAIRN_HOST: 'fleet.example' };

test('compose.yaml is of the schema, and every service is held as tight', options, (t) => {
  const { services } = composed(t, env);
  assert.deepEqual(Object.keys(services).sort(), ['cairn-fleet', 'database', 'mosquitto', 'proxy']);
  for (const [name, service] of Object.entries(services)) {
    const { restart, read_only, cap_drop, security_opt, logging } = service;
    const held = { restart, read_only, cap_drop, security_opt };
    assert.deepEqual(
      held,
      {
        ...{ restart: 'unless-stopped', read_only: true, cap_drop: ['ALL'] },
        security_opt: ['no-new-privileges:true'],
      },
      name,
    );
    assert.ok(service.mem_limit && service.pids_limit && logging, `${name} has bounds`);
    assert.match(service.image, /:\d+\.\d+(\.\d+)?(-\w+)?$/, `${name} is of one version`);
    const isAsked = service.build
      ? /^HEALTHCHECK CMD \[/m.test(read('Dockerfile'))
      : service.healthcheck?.test?.[0] === 'CMD';
    assert.ok(isAsked, `${name} is asked how it is`);
    for (const [key, value] of Object.entries(service.environment ?? {}))
      assert.ok(!/PASSWORD|SECRET|TOKEN/.test(key) || /_FILE$/.test(key), `${name}: ${key}=${value}`);
  }
  assert.deepEqual(services.proxy!.depends_on, { 'cairn-fleet': { condition: 'service_healthy' } });
});

test('what is to be reached from elsewhere, and where by default', options, (t) => {
  const { services } = composed(t, env);
  const ports = Object.fromEntries(
    Object.entries(services).map(([name, { ports = [] }]) => [
      name,
      ports.map((port) => (typeof port === 'string' ? port : `${port.published}:${port.target}`)),
    ]),
  );
  assert.deepEqual(ports, {
    'cairn-fleet': ['127.0.0.1:9000:9000/tcp', '8883:8883'],
    database: [],
    mosquitto: ['8884:8883'],
    proxy: ['8000:8000', '8002:8002'],
  });
  const elsewhere = composed(t, { ...env, CAIRN_LISTENER_ADDRESS: '10.0.0.1' }).services['cairn-fleet']!;
  assert.ok(elsewhere.ports?.includes('10.0.0.1:9000:9000/tcp'));
});

test('without the name that people type it says so', options, (t) => {
  assert.throws(() => composed(t, {}), /the name that people type/);
});

test(
  'fleet.yaml is what the fleet takes, with either broker, and knows the addresses and secrets of compose.yaml',
  options,
  (t) => {
    const { services, secrets } = composed(t, env);
    const text = read('cairn-fleet/fleet.yaml');
    const own = parseConfig(text, 'fleet.yaml');
    const other = parseConfig(
      text.replace(/^broker:.*$/m, '').replace(/^# broker:/m, 'broker:'),
      'fleet.yaml',
    );
    const fleet = services['cairn-fleet']!;
    assert.deepEqual(own.web.proxy, [services.proxy!.networks.front!.ipv4_address]);
    assert.equal(own.web.port, 8000, 'where the Caddyfile and the health check look');
    assert.equal(new URL((own.database as { readonly url: string }).url).host, 'database');
    const given = fleet.secrets!.map(({ source }) => source).sort();
    for (const config of [own, other]) assert.deepEqual(secretsOf(config), given);
    assert.equal(new URL((other.broker as { readonly url: string }).url).hostname, env.CAIRN_HOST);

    const made = makeSecrets(newFolder(t), env.CAIRN_HOST);
    assert.deepEqual(
      readdirSync(made).sort(),
      Object.keys(secrets).sort(),
      'secrets.sh makes what is wanted',
    );
  },
);

function secretsOf(config: FleetConfig): readonly string[] {
  const all = JSON.stringify(config).matchAll(/\/run\/secrets\/(\w+)/g);
  return [...new Set([...all].map(([, name]) => name!))].sort();
}

test('secrets.sh keeps others out, keeps what is there, and no two are alike', (t) => {
  const folder = newFolder(t);
  const secrets = makeSecrets(folder);
  assert.equal(statSync(secrets).mode & 0o777, 0o700);
  assert.equal(statSync(join(folder, 'ca')).mode & 0o777, 0o700);
  const all = () =>
    Object.fromEntries(readdirSync(secrets).map((name) => [name, readFileSync(join(secrets, name), 'utf8')]));
  const first = all();
  assert.match(first.database_password!, /^[0-9a-f]{64}\n$/);
  assert.equal(new Set(Object.values(first)).size, Object.keys(first).length);
  makeSecrets(folder);
  assert.deepEqual(all(), first);
});
