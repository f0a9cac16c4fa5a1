import type { Page } from 'playwright-core';
import type { Series } from '../../../fleet/web/browser/series.js';

/** What a chart was given, and for which window. */
export interface SeenSeries extends Series {
  readonly window: { readonly fromMs: number; readonly toMs: number; readonly points: number };
}

const seen = new WeakMap<Page, Map<string, SeenSeries>>();

/** From now on: what the page's own script asks for. */
export function noteSeries(page: Page): void {
  const byChart = new Map<string, SeenSeries>();
  seen.set(page, byChart);
  page.on('response', async (response) => {
    const url = new URL(response.url());
    const stream = /^\/api\/v1\/streams\/(\d+)\/series$/.exec(url.pathname)?.[1];
    if (!stream || !response.ok()) return;
    const of = (name: string) => url.searchParams.get(name)!;
    const window = {
      ...{ fromMs: Date.parse(of('from')), toMs: Date.parse(of('to')) },
      points: Number(of('points')),
    };
    byChart.set(`${stream}/${of('channel')}`, { ...((await response.json()) as Series), window });
  });
}

/** What a chart was given last. */
export function seriesOf(page: Page, stream: string, channel: number): SeenSeries | undefined {
  return seen.get(page)?.get(`${stream}/${channel}`);
}

/** From now on: each state of the node that the page shows; and whether it was loaded anew. Left out is `late`: on a slow machine the test itself may be silent. */
export async function noteStates(page: Page): Promise<() => Promise<readonly string[]>> {
  await page.evaluate(`{
    const seen = (globalThis.seenStates = []);
    setInterval(() => {
      const state = document.querySelector('#facts .state')?.textContent.trim();
      if (state && state !== 'late' && state !== seen.at(-1)) seen.push(state);
    }, 50);
  }`);
  return () => page.evaluate<string[]>('globalThis.seenStates ?? ["loaded anew"]');
}

/** The cells of a table's rows, as they are read. */
export function cellsOf(page: Page, table: string): Promise<readonly (readonly string[])[]> {
  return page.evaluate<string[][]>(
    `[...document.querySelectorAll('${table} tbody tr')].map((row) => [...row.cells].map((cell) => cell.innerText.trim()))`,
  );
}

/** How many pixels of a stream's first chart, between two moments, are as green as its line (#1f6f5c) or its band (the same at a fifth, on white). */
export function inkOf(
  page: Page,
  stream: string,
  { fromMs, toMs }: SeenSeries['window'],
  [leftMs, rightMs]: readonly [number, number],
): Promise<number> {
  return page.evaluate<number>(`(() => {
    const figure = document.querySelector('figure[data-stream="${stream}"]');
    const [canvas, plot] = [figure.querySelector('canvas'), figure.querySelector('.u-over')];
    const ratio = canvas.width / canvas.clientWidth;
    const x = (ms) => (plot.offsetLeft + (plot.clientWidth * (ms - ${fromMs})) / ${toMs - fromMs}) * ratio;
    const [left, right] = [Math.ceil(x(${leftMs})), Math.floor(x(${rightMs}))];
    const [top, height] = [plot.offsetTop * ratio, plot.clientHeight * ratio];
    const { data } = canvas.getContext('2d').getImageData(left, top, right - left, height);
    let ink = 0;
    for (let i = 0; i < data.length; i += 4) if (data[i + 1] - data[i] > 12 && data[i + 3] > 0) ink++;
    return ink;
  })()`);
}
