import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { connectAsync } from 'mqtt';
import { migrate, openPostgres } from '../../../fleet/db/index.js';
import { MIGRATIONS } from '../../../fleet/parts.js';
import { databaseUrl } from '../../../fleet/secrets.js';
import { mqttSource } from '../../../fleet/sources/index.js';
import { root } from '../../house/imports.js';
import { freePort, MOSQUITTO, WITHOUT_MOSQUITTO } from '../../support/broker.js';
import { startPostgres, WITHOUT_POSTGRES } from '../../support/postgres.js';
import { until } from '../../support/until.js';
import { COMPOSE, makeSecrets, newFolder, read } from './files.js';

test('database.sql: the role of the fleet shows its password, makes its tables, and is no superuser', {
  skip: WITHOUT_POSTGRES,
}, async (t) => {
  const secrets = makeSecrets(newFolder(t));
  const server = await startPostgres();
  t.after(() => server.remove());
  const admin = new URL(await server.database());
  const sql = read('database.sql').replace('/run/secrets', secrets);
  execFileSync('psql', ['-v', 'ON_ERROR_STOP=1', '--no-psqlrc', '-q', admin.href], {
    input: sql,
    stdio: 'pipe',
  });
  const db = openPostgres(admin.href);
  const [{ hba_file: hba }] = (await db.query('SHOW hba_file')) as [{ hba_file: string }];
  writeFileSync(hba, 'local all cairn_fleet scram-sha-256\nlocal all all trust\n');
  await db.query('SELECT pg_reload_conf()');
  await db.close();

  const url = `postgresql:///fleet?${new URLSearchParams({ host: admin.searchParams.get('host')!, user: 'cairn_fleet' })}`;
  const open = (secret: string) => {
    const opened = openPostgres(databaseUrl({ url, passwordFile: join(secrets, secret) }));
    t.after(() => opened.close());
    return opened;
  };
  await until('the server asks for passwords', () =>
    open('database_admin_password')
      .query('SELECT 1')
      .then(
        () => false,
        ({ message }: Error) => /password authentication failed/.test(message),
      ),
  );
  const fleet = open('database_password');
  await migrate(fleet, MIGRATIONS);
  const [role] = await fleet.query('SELECT rolsuper FROM pg_roles WHERE rolname = current_user');
  assert.deepEqual(role, { rolsuper: 0n });
});

const NODE = '0123456789abcdef';
const OTHER = 'fedcba9876543210';

test('mosquitto.conf: a node writes below its id and nowhere else, the fleet reads all, strangers are let in nowhere', {
  skip: WITHOUT_MOSQUITTO,
}, async (t) => {
  const folder = newFolder(t);
  const secrets = makeSecrets(folder);
  const [issue] = readFileSync(join(root, 'docs/fleet/compose.md'), 'utf8').match(
    /(?<=```sh\n).*?(?=```)/gs,
  )!;
  execFileSync('sh', ['-ec', issue!], { cwd: folder, stdio: 'pipe' });
  const [port, healthPort] = [await freePort(), await freePort()];
  const file = join(folder, 'mosquitto.conf');
  const config = read('mosquitto.conf')
    .replaceAll('/run/secrets', secrets)
    .replaceAll('/mosquitto/config', COMPOSE)
    .replace('/mosquitto/data', folder)
    .replace('listener 8883', `listener ${port} 127.0.0.1`)
    .replace('listener 1883', `listener ${healthPort}`);
  writeFileSync(file, `${config}\n${process.getuid?.() === 0 ? 'user root\n' : ''}`);
  const child = spawn(MOSQUITTO!, ['-c', file], { stdio: 'ignore' });
  t.after(async () => {
    child.kill('SIGTERM');
    await once(child, 'exit');
  });

  const came: string[] = [];
  const pem = (name: string) => readFileSync(join(folder, name));
  const url = `mqtts://localhost:${port}`;
  const fleet = mqttSource({
    ...{ url, clientId: 'cairn-fleet', share: 'fleet' },
    ...{ ca: pem('secrets/node_ca'), certificate: pem('secrets/fleet_cert'), key: pem('secrets/fleet_key') },
    take: async (topic, payload) => {
      came.push(`${topic} ${payload}`);
      return { kind: 'held' };
    },
  });
  t.after(() => fleet.close());
  await fleet.ready;

  const tls = { ca: pem('ca/cert.pem'), cert: pem('node.pem'), key: pem('node.key') };
  const node = await connectAsync(url, { ...tls, clientId: NODE, protocolVersion: 4 });
  t.after(() => node.endAsync());
  await node.publishAsync(`senml/${NODE}`, 'mine', { qos: 1 });
  await until('the fleet has it', () => came.length > 0);
  for (const topic of [`senml/${OTHER}`, `cairn/1/${OTHER}/status`, `cairn/1/${NODE}/receipt`]) {
    // mosquitto 2.0.11 acknowledges what it denies, and cuts the connection.
    const forger = await connectAsync(url, { ...tls, clientId: 'forger', protocolVersion: 4 });
    await forger.publishAsync(topic, 'not mine', { qos: 1 });
    await forger.endAsync(true);
  }
  const told = new Promise<string>((resolve) => node.once('message', resolve));
  await node.subscribeAsync([`cairn/1/${NODE}/receipt`, `cairn/1/${OTHER}/receipt`], { qos: 1 });
  fleet.publish(`cairn/1/${OTHER}/receipt`, Buffer.from('not yours'));
  fleet.publish(`cairn/1/${NODE}/receipt`, Buffer.from('held'));
  assert.equal(await told, `cairn/1/${NODE}/receipt`);

  const { ca } = tls;
  await assert.rejects(connectAsync(url, { ca, clientId: NODE, reconnectPeriod: 0, connectTimeout: 3_000 }));
  const check = await connectAsync(`mqtt://127.0.0.1:${healthPort}`);
  t.after(() => check.endAsync());
  const topics: string[] = [];
  check.on('message', (topic) => topics.push(topic));
  await check.subscribeAsync(['#', '$SYS/#']);
  await node.publishAsync(`senml/${NODE}`, 'again', { qos: 1 });
  await until('the check is answered', () => topics.length > 0);
  await until('the fleet has it too', () => came.length > 1);
  assert.deepEqual(topics, ['$SYS/broker/version']);
  assert.deepEqual(came, [`senml/${NODE} mine`, `senml/${NODE} again`]);
});
