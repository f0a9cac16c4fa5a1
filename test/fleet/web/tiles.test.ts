import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { deflateSync } from 'node:zlib';
import type { AxeResults } from 'axe-core';
import { chromium } from 'playwright-core';
import { tileAt, tilesOf } from '../../../fleet/web/pages/tiles.js';
import { root } from '../../house/imports.js';
import { until } from '../../support/until.js';
import { page, serve } from './served.js';

const CHROMIUM = '/usr/bin/chromium';

test('tile numbers are those of the OpenStreetMap wiki', () => {
  // "Slippy map tilenames": its worked example, and its table of levels.
  assert.deepEqual(tileAt(35.6590699, 139.7006793, 18), { zoom: 18, x: 232_798, y: 103_246 });
  assert.deepEqual(tileAt(0, 0, 0), { zoom: 0, x: 0, y: 0 });
  // By its formula in another form, 1 - ln(tan + sec) / π.
  for (const [latitude, longitude] of [
    [-33.8688, 151.2093],
    [64.1466, -21.9426],
    [47.3769, 8.5417],
  ] as const)
    for (let zoom = 0; zoom < 20; zoom++) {
      const radians = (latitude * Math.PI) / 180;
      const share = (1 - Math.log(Math.tan(radians) + 1 / Math.cos(radians)) / Math.PI) / 2;
      const x = Math.floor(((longitude + 180) / 360) * 2 ** zoom);
      assert.deepEqual(tileAt(latitude, longitude, zoom), { zoom, x, y: Math.floor(share * 2 ** zoom) });
    }
});

test('whatever a map of 720 by 400 shows, it asks for few tiles, and for none outside the world', () => {
  for (let scale = 0.5; scale < 100_000; scale *= 1.1)
    for (const [longitude, northing] of [
      [0, 0],
      [179.99, 60],
      [-180, -180],
      [8.5, 54.123],
    ] as const) {
      const [width, height] = [720 / scale, 400 / scale];
      const tiles = tilesOf({
        ...{ scale, west: longitude - width / 2, east: longitude + width / 2 },
        ...{ south: northing - height / 2, north: northing + height / 2 },
      });
      assert.ok(tiles.length >= 1 && tiles.length <= 20, `${tiles.length} at ${scale}`);
      for (const { zoom, x, y } of tiles) assert.ok(x >= 0 && y >= 0 && x < 2 ** zoom && y < 2 ** zoom);
    }
});

test('without tiles nothing is asked of anybody else; with tiles, pictures of that origin only', async (t) => {
  const plain = serve();
  const tiled = serve(undefined, {
    url: 'https://tiles.example/a/{z}/{x}/{y}.png?key=1&b',
    attribution: 'Land <of> nobody',
  });
  t.after(() => Promise.all([plain.app.close(), tiled.app.close()]));
  const [before, after] = [await page(plain.app, '/'), await page(tiled.app, '/')];
  assert.doesNotMatch(before.body, /<image|tiles/);
  assert.match(String(before.headers['content-security-policy']), /img-src 'self';/);
  assert.match(String(after.headers['content-security-policy']), /img-src 'self' https:\/\/tiles\.example;/);
  assert.match(after.body, /<image href="https:\/\/tiles\.example\/a\/\d+\/\d+\/\d+\.png\?key=1&#38;b" /);
  assert.match(after.body, /Map: Land &#60;of&#62; nobody\./);
});

test('in a browser: the tiles are there, below the points', {
  skip: existsSync(CHROMIUM) ? false : 'chromium is not installed',
}, async (t) => {
  const asked: string[] = [];
  const server = createServer(({ url = '' }, answer) => {
    asked.push(url);
    answer.setHeader('content-type', 'image/png').end(png(asked.length));
  }).listen(0, '127.0.0.1');
  await until('the tile server listens', () => server.listening);
  t.after(() => server.close());
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const served = serve(undefined, { url: `${origin}/{z}/{x}/{y}.png`, attribution: 'somebody' });
  t.after(() => served.app.close());
  const url = await served.app.listen({ host: '127.0.0.1', port: 0 });
  const browser = await chromium.launch({ executablePath: CHROMIUM, args: ['--no-sandbox'] });
  t.after(() => browser.close());
  const shown = await browser.newPage({ viewport: { width: 390, height: 844 } });
  const errors: string[] = [];
  shown.on('console', (said) => said.type() === 'error' && errors.push(said.text()));
  await shown.goto(url);
  const wanted = await shown.locator('.land image').count();
  assert.ok(wanted > 0);
  await until('all are fetched', () => new Set(asked).size === wanted);
  for (const path of asked) assert.match(path, /^\/\d+\/\d+\/\d+\.png$/);
  await shown.evaluate(readFileSync(`${root}/node_modules/axe-core/axe.min.js`, 'utf8'));
  const { violations } = await shown.evaluate<AxeResults>('axe.run()');
  assert.deepEqual(
    violations.map(({ id }) => id),
    [],
  );
  assert.deepEqual(errors, []);
});

/** One pixel of grey, by the PNG specification. */
function png(shade: number): Buffer {
  const chunk = (type: string, data: Buffer) => {
    const body = Buffer.concat([Buffer.from(type), data]);
    const framed = Buffer.alloc(body.length + 8);
    framed.writeUInt32BE(data.length);
    body.copy(framed, 4);
    framed.writeUInt32BE(crc32(body), body.length + 4);
    return framed;
  };
  const header = Buffer.from([0, 0, 0, 1, 0, 0, 0, 1, 8, 0, 0, 0, 0]);
  return Buffer.concat([
    Buffer.from('\x89PNG\r\n\x1a\n', 'latin1'),
    ...[chunk('IHDR', header), chunk('IDAT', deflateSync(Buffer.from([0, 100 + ((shade * 37) % 120)])))],
    chunk('IEND', Buffer.alloc(0)),
  ]);
}

function crc32(bytes: Uint8Array): number {
  let crc = ~0;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0);
  }
  return ~crc >>> 0;
}
