import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { FastifyInstance } from 'fastify';

const SCRIPT = 'text/javascript; charset=utf-8';
/** The compiled files of browser/ lie beside this one; what isn't compiled lies where it was written. */
const here = dirname(fileURLToPath(import.meta.url));
const sources = join(here.replace(/([\\/])dist([\\/]fleet[\\/]web)$/, '$2'), 'assets');
const uplot = dirname(createRequire(import.meta.url).resolve('uplot'));

/** All that pages load, by fixed names. */
const FILES: readonly (readonly [name: string, path: string, type: string])[] = [
  ['style.css', join(sources, 'style.css'), 'text/css; charset=utf-8'],
  ['icon.svg', join(sources, 'icon.svg'), 'image/svg+xml'],
  ['uplot.css', join(uplot, 'uPlot.min.css'), 'text/css; charset=utf-8'],
  ['uplot.js', join(uplot, 'uPlot.esm.js'), SCRIPT],
  ...['live.js', 'charts.js', 'chart.js', 'connection.js', 'series.js'].map(
    (name) => [name, join(here, 'browser', name), SCRIPT] as const,
  ),
];

/** Read once, at the start: a file that is missing is found there. */
export function serveAssets(app: FastifyInstance): void {
  for (const [name, path, type] of FILES) {
    const bytes = read(path);
    app.get(`/assets/${name}`, { schema: { hide: true } as object }, async (_request, reply) =>
      reply.header('cache-control', 'public, max-age=300').type(type).send(bytes),
    );
  }
}

function read(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new Error(`${path} is missing: \`npm run build\` compiles what browsers load`, { cause });
  }
}
