import type { TestContext } from 'node:test';
import fastify, { type FastifyInstance, type InjectOptions, type LightMyRequestResponse } from 'fastify';
import { type PeoplePluginOptions, peoplePlugin, requireRole } from '../../../fleet/web/people/index.js';
import type { Fresh } from '../db/databases.js';
import { PASSWORD, World } from './world.js';

/** A server with the plugin, and what others would add to it. */
export async function serve(t: TestContext, fresh: Fresh, options: Partial<PeoplePluginOptions> = {}) {
  const { world, people } = await World.open(fresh);
  const app = fastify();
  t.after(() => app.close());
  await app.register(peoplePlugin({ people, nowMs: () => world.nowMs, ...options }));
  const acknowledged: string[] = [];
  await app.register(async (child) => {
    child.get('/', async ({ person }) => ({ person: person?.name ?? null }));
    child.get('/health', async ({ person }) => ({ isKnown: person !== undefined }));
    child.get('/api/v1/nodes', async ({ person }) => ({ person: person?.name ?? null }));
    child.post('/alerts', { preHandler: requireRole('operator', 'prod') }, async ({ person }) => {
      acknowledged.push(person?.name ?? 'nobody');
      return 'done';
    });
  });
  return { world, people, app, acknowledged };
}

/** A browser: keeps its cookie, sends forms with the hidden field of the page that it looked at. */
export class Browser {
  cookie = '';
  csrf = '';

  constructor(
    private readonly app: FastifyInstance,
    private readonly headers: Readonly<Record<string, string>> = {},
  ) {}

  async get(url: string): Promise<LightMyRequestResponse> {
    const response = await this.send({ method: 'GET', url });
    this.csrf = /name="csrf" value="([^"]*)"/.exec(response.body)?.[1] ?? this.csrf;
    return response;
  }

  post(url: string, fields: Readonly<Record<string, string>> = {}): Promise<LightMyRequestResponse> {
    return this.send({
      ...{ method: 'POST', url },
      payload: new URLSearchParams({ csrf: this.csrf, ...fields }).toString(),
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
  }

  async send({ headers, ...rest }: InjectOptions): Promise<LightMyRequestResponse> {
    const response = await this.app.inject({
      ...rest,
      remoteAddress: '192.0.2.7',
      headers: { accept: 'text/html', cookie: this.cookie, ...this.headers, ...headers },
    });
    const set = response.headers['set-cookie'];
    if (set !== undefined) this.cookie = String(set).split(';')[0]!;
    return response;
  }

  signIn(name: string, password = PASSWORD, code = ''): Promise<LightMyRequestResponse> {
    return this.post('/sign-in', { name, password, code });
  }
}

/** Anna's browser, after she brought the secret. */
export async function owner(app: FastifyInstance, secret: string | undefined): Promise<Browser> {
  const browser = new Browser(app);
  await browser.post('/first', { secret: secret ?? '', name: 'Anna', password: PASSWORD });
  return browser;
}
