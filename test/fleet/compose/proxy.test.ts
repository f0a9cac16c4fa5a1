import assert from 'node:assert/strict';
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { chromium } from 'playwright-core';
import { WebSocket } from 'ws';
import { freePort } from '../../support/broker.js';
import { until } from '../../support/until.js';
import { Client } from './client.js';
import { COMPOSE, imageOf, makeSecrets, newFolder, read, without } from './files.js';

const CHROMIUM = '/usr/bin/chromium';
const PASSWORD = 'correct horse battery';
const CADDYFILE = join(COMPOSE, 'Caddyfile');
const options = { skip: without('caddy'), timeout: 120_000 };

test('the Caddyfile is sound, with a CA of its own and with given certificates', options, (t) => {
  const folder = newFolder(t);
  const secrets = makeSecrets(folder);
  const validate = (tls: object) =>
    execFileSync('caddy', ['validate', '--config', CADDYFILE, '--adapter', 'caddyfile'], {
      env: { ...caddyEnv(folder), CAIRN_HOST: 'fleet.example', ...tls },
      stdio: 'pipe',
    });
  validate({});
  validate({ CAIRN_TLS: `${secrets}/fleet_cert ${secrets}/fleet_key` });
  assert.throws(() => validate({ CAIRN_TLS: '/nowhere /nowhere' }), /nowhere/);
});

function caddyEnv(folder: string): Record<string, string> {
  return { PATH: process.env.PATH ?? '', HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder };
}

/** The fleet as in its image, behind the proxy: as in compose.yaml but for addresses. */
class Stack {
  readonly #children: ChildProcess[] = [];
  said = '';
  web!: Client;
  api!: Client;
  port = 0;
  apiPort = 0;
  fleetPort = 0;
  proxyPort = 0;

  constructor(readonly folder: string) {}

  async start(): Promise<void> {
    for (const name of ['port', 'apiPort', 'fleetPort', 'proxyPort'] as const) this[name] = await freePort();
    const config = {
      data: join(this.folder, 'data'),
      broker: { port: await freePort() },
      web: { port: this.fleetPort, url: `https://localhost:${this.port}`, proxy: ['127.0.0.1'] },
    };
    const file = join(this.folder, 'fleet.yaml');
    writeFileSync(file, JSON.stringify(config));
    this.#run(imageOf(this.folder), ['--config', file], process.env);
    await until('the fleet has a secret', () => this.said.includes('one-time secret'));
    this.#run('caddy', ['run', '--config', this.#caddyfile(), '--adapter', 'caddyfile'], {
      ...caddyEnv(this.folder),
      ...{ CAIRN_HOST: 'localhost', CAIRN_FLEET: `127.0.0.1:${this.fleetPort}` },
      CAIRN_WEB_PORT: String(this.port),
      CAIRN_API_PORT: String(this.apiPort),
      CAIRN_PROXY_PORT: String(this.proxyPort),
    });
    await until('the proxy listens', () => this.isProxyUp());
    const ca = readFileSync(join(this.folder, 'caddy/pki/authorities/local/root.crt'));
    this.web = new Client(this.port, ca);
    this.api = new Client(this.apiPort, ca);
    // It listens before it has made its certificate.
    const answers = () => this.web.ask('/health').then(Boolean, () => false);
    await until('the proxy has a certificate', answers);
  }

  async isProxyUp(): Promise<boolean> {
    const answer = await fetch(`http://127.0.0.1:${this.proxyPort}`).catch(() => undefined);
    return answer?.status === 204;
  }

  /** As it is, but nothing listens beyond this machine. */
  #caddyfile(): string {
    const file = join(this.folder, 'Caddyfile');
    writeFileSync(file, read('Caddyfile').replace('admin off', 'admin off\n\tdefault_bind 127.0.0.1'));
    return file;
  }

  #run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): void {
    const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (text: Buffer) => {
        this.said += text;
      });
    this.#children.push(child);
  }

  async stop(): Promise<void> {
    for (const child of this.#children.reverse()) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      child.kill('SIGTERM');
      await once(child, 'exit');
    }
  }
}

describe('the fleet behind its proxy', options, () => {
  const cleanups: (() => void)[] = [];
  const stack = new Stack(newFolder({ after: (work) => cleanups.push(work as () => void) }));
  let token = '';
  before(() => stack.start());
  after(async () => {
    await stack.stop();
    for (const work of cleanups) work();
  });

  test('the first owner signs in; the cookie is for https only, and a form of another site does nothing', async () => {
    const { web, said, port } = stack;
    const secret = /one-time secret: ([A-Z0-9-]+)/.exec(said)![1]!;
    const form = { secret, name: 'Anna', password: PASSWORD };
    const foreign = await web.ask('/first', { form, headers: { origin: 'https://elsewhere.example' } });
    assert.equal(foreign.status, 403);
    const answer = await web.ask('/first', { form, headers: { origin: `https://localhost:${port}` } });
    assert.equal(answer.status, 303, answer.text);
    assert.match(answer.headers['set-cookie']![0]!, /^__Host-cairn=.*HttpOnly.*; Secure$/);
    assert.equal((await web.ask('/')).status, 200);

    const [, csrf] = /name="csrf" value="([^"]+)"/.exec((await web.ask('/me')).text)!;
    const wanted = { csrf: csrf!, old: PASSWORD, name: 'ci', days: '1', role_prod: 'viewer' };
    const made = await web.ask('/me/tokens', { form: wanted });

    token = /cairn_[\w-]+/.exec(made.text)![0];
  });

  test('in a browser: sign-in, and the page follows live', {
    skip: existsSync(CHROMIUM) ? false : 'chromium is not installed',
  }, async (t) => {
    const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
    t.after(() => browser.close());
    const page = await browser.newPage({ ignoreHTTPSErrors: true });
    await page.goto(`https://localhost:${stack.port}/`);
    await page.getByLabel('Name').fill('Anna');
    await page.getByLabel('Password').fill(PASSWORD);
    await page.getByRole('button', { name: 'Sign in' }).click();
    await page.getByText('Follows live.').waitFor();
    const [cookie] = await page.context().cookies();
    assert.deepEqual([cookie!.name, cookie!.secure, cookie!.httpOnly], ['__Host-cairn', true, true]);
  });

  test('the other port has the API for tokens, the push, health and metrics, and no page', async () => {
    const { api, web } = stack;
    const headers = { authorization: `Bearer ${token}` };
    for (const path of ['/api/v1/nodes', '/api/v1/openapi.json', '/metrics', '/health'])
      assert.equal((await api.ask(path, { headers })).status, 200, path);
    const pages = [
      '/',
      '/sign-in',
      '/first',
      '/me',
      '/people',
      '/assets/style.css',
      '/logs',
      '/apiary',
      '/health/x',
    ];
    for (const path of [...pages, '/api/../me', '/api/%2e%2e/me', '//me', '/me?/api/'])
      assert.equal((await api.ask(path, { headers: { ...headers, cookie: web.cookie } })).status, 404, path);
    assert.equal((await api.ask('/api/v1/nodes')).status, 401);
    const byCookie = await api.ask('/api/v1/nodes', { headers: { cookie: web.cookie } });
    assert.equal(byCookie.status, 401, 'a cookie of the pages says nothing here');
    assert.equal((await web.ask('/api/v1/nodes')).status, 200, 'and there it does');
  });

  for (const name of ['port', 'apiPort'] as const)
    test(`a program follows live by a token on the ${name}`, async () => {
      const url = `wss://localhost:${stack[name]}/live`;
      const ca = readFileSync(join(stack.folder, 'caddy/pki/authorities/local/root.crt'));
      const socket = new WebSocket(url, { ca, headers: { authorization: `Bearer ${token}` } });
      await once(socket, 'open');
      socket.send('{"watch":["nonsense", 1]}');
      assert.equal((await once(socket, 'close'))[0], 1008, 'what it says arrives, and what it is told');
      const stranger = new WebSocket(url, { ca });
      const [error] = (await once(stranger, 'error')) as [Error];
      assert.match(error.message, /401/);
    });

  test('limits are by the address that the proxy saw, whatever a client says', async () => {
    const { web, api } = stack;
    const left = async (client: Client, from: string, forged?: string) => {
      const said = forged && { 'x-forwarded-for': forged, forwarded: `for=${forged}`, 'x-real-ip': forged };
      const { headers } = await client.ask('/health', { from, ...(said && { headers: said }) });
      return Number(headers['x-ratelimit-remaining']);
    };
    const first = await left(web, '127.0.0.2');
    assert.equal(first, 1_199, 'nobody came from there before');
    assert.equal(await left(web, '127.0.0.2', '203.0.113.9'), first - 1);
    assert.equal(await left(web, '127.0.0.2', '203.0.113.10, 127.0.0.1'), first - 2);
    assert.equal(await left(api, '127.0.0.2', '127.0.0.1'), first - 3);
    assert.equal(await left(web, '127.0.0.3'), 1_199, 'each address for itself');
  });

  test('who is not the proxy is not believed', async () => {
    const left = () =>
      new Promise<number>((resolve, reject) => {
        const to = { host: '127.0.0.1', port: stack.fleetPort, path: '/health', localAddress: '127.0.0.4' };
        const headers = { 'x-forwarded-for': `203.0.113.${Math.floor(Math.random() * 250)}` };
        request({ ...to, headers, agent: false }, (answer) => {
          answer.resume();
          resolve(Number(answer.headers['x-ratelimit-remaining']));
        })
          .on('error', reject)
          .end();
      });
    assert.deepEqual([await left(), await left()], [1_199, 1_198]);
  });
});
