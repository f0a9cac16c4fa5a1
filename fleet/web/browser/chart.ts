import uPlot from '/assets/uplot.js';
import { causeOf, columnsOf, type Series, sentenceOf, uncertaintyAt } from './series.js';

const HEIGHT = 190;
const FONT = '12px system-ui, sans-serif';
/** Of rows that say nothing of the time until the next one: no line leads from one to the other. */
const DOTS = { paths: () => null, points: { show: true, size: 8, width: 2 } } satisfies uPlot.Series;

/** One figure of the page: a band from the least to the greatest, the mean, holes shaded, times as sure as they are. */
export class Chart {
  readonly #figure: HTMLElement;
  readonly #place: HTMLElement;
  readonly #said: HTMLElement;
  #series: Series = { buckets: [], holes: [], uncertainty: [], timeless: 0 };
  #plot: uPlot | undefined;
  #window: readonly [fromMs: number, toMs: number] = [0, 0];

  constructor(figure: HTMLElement) {
    this.#figure = figure;
    this.#place = figure.querySelector<HTMLElement>('.plot')!;
    this.#said = figure.querySelector<HTMLElement>('.said')!;
    new ResizeObserver(() => this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT })).observe(
      this.#place,
    );
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#make());
  }

  get stream(): string {
    return this.#figure.dataset.stream!;
  }

  async load(fromMs: number, toMs: number): Promise<void> {
    const { stream, channel } = this.#figure.dataset;
    const query = new URLSearchParams({
      channel: channel!,
      from: new Date(fromMs).toISOString(),
      to: new Date(toMs).toISOString(),
      points: String(Math.min(800, Math.max(100, Math.round(this.#place.clientWidth / 2)))),
    });
    const answer = await fetch(`/api/v1/streams/${stream}/series?${query}`);
    if (!answer.ok) {
      this.#said.textContent = `The readings can't be had now (${answer.status}); what is drawn is from before.`;
      return;
    }
    this.#series = (await answer.json()) as Series;
    this.#window = [fromMs, toMs];
    this.#said.textContent = sentenceOf(this.#series, (value) => this.#text(value));
    if (!this.#plot) return this.#make();
    this.#plot.setData(columnsOf(this.#series), false);
    this.#plot.setScale('x', { min: fromMs / 1000, max: toMs / 1000 });
  }

  #make(): void {
    this.#plot?.destroy();
    this.#place.replaceChildren();
    this.#plot = new uPlot(this.#options(), columnsOf(this.#series), this.#place);
    this.#plot.setScale('x', { min: this.#window[0] / 1000, max: this.#window[1] / 1000 });
  }

  #options(): uPlot.Options {
    const color = colorsOf(this.#figure);
    const text = (_: uPlot, value: number | null) => (value === null ? '' : this.#text(value));
    const axis = {
      stroke: color.text,
      grid: { stroke: color.grid, width: 1 },
      ticks: { show: false },
      font: FONT,
    };
    const isOfMoments = this.#figure.dataset.moments !== undefined;
    const edge = { stroke: color.band, width: 1, points: { show: false }, value: text };
    return {
      width: this.#place.clientWidth,
      height: HEIGHT,
      tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1000), 'Etc/UTC'),
      scales: { x: { time: true, auto: false }, y: { range: (_, min, max) => withRoom(min, max) } },
      axes: [
        { ...axis, values: (_, splits) => momentsOf(splits) },
        { ...axis, size: widthOf, values: (_, splits) => splits.map((value) => this.#text(value)) },
      ],
      series: [
        { label: 'UTC', value: '{YYYY}-{MM}-{DD} {HH}:{mm}:{ss}' },
        { ...edge, label: 'greatest' },
        { ...edge, label: 'least' },
        { label: 'mean', stroke: color.line, width: 2, value: text },
      ].map((series) => (isOfMoments ? { ...series, ...DOTS } : series)),
      bands: isOfMoments ? [] : [{ series: [1, 2], fill: color.band }],
      cursor: { drag: { x: false, y: false } },
      hooks: {
        drawClear: [(plot) => this.#shadeHoles(plot, color)],
        draw: [(plot) => this.#drawUncertainty(plot, color)],
      },
    };
  }

  #shadeHoles({ ctx, bbox, valToPos }: uPlot, color: Colors): void {
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    ctx.font = `${12 * devicePixelRatio}px system-ui, sans-serif`;
    for (const hole of this.#series.holes) {
      const left = valToPos(hole.fromMs / 1000, 'x', true);
      const width = Math.max(1, valToPos(hole.toMs / 1000, 'x', true) - left);
      ctx.fillStyle = hole.cause === 'missing' || hole.cause === 'removed' ? color.missing : color.lost;
      ctx.fillRect(left, bbox.top, width, bbox.height);
      const label = causeOf(hole);
      if (ctx.measureText(label).width + 8 > width) continue;
      ctx.fillStyle = color.text;
      ctx.fillText(label, left + 4, bbox.top + 14 * devicePixelRatio);
    }
    ctx.restore();
  }

  /** A bar as wide as the time is unsure, through each mean; less than a pixel shows nothing. */
  #drawUncertainty({ ctx, valToPos }: uPlot, color: Colors): void {
    ctx.save();
    ctx.strokeStyle = color.line;
    ctx.globalAlpha = 0.45;
    ctx.lineWidth = devicePixelRatio;
    ctx.beginPath();
    for (const { wallMs, mean } of this.#series.buckets) {
      const ms = uncertaintyAt(this.#series, wallMs);
      const left = valToPos((wallMs - ms) / 1000, 'x', true);
      const right = valToPos((wallMs + ms) / 1000, 'x', true);
      if (right - left < 2) continue;
      const y = valToPos(mean, 'y', true);
      const cap = 3 * devicePixelRatio;
      ctx.moveTo(left, y - cap);
      ctx.lineTo(left, y + cap);
      ctx.moveTo(left, y);
      ctx.lineTo(right, y);
      ctx.moveTo(right, y - cap);
      ctx.lineTo(right, y + cap);
    }
    ctx.stroke();
    ctx.restore();
  }

  #text(value: number): string {
    const { labels, unit, digits } = this.#figure.dataset;
    if (labels) return (JSON.parse(labels) as string[])[value] ?? '';
    if (unit === 'B') return `${(value / 2 ** 20).toLocaleString('en-US', { maximumFractionDigits: 1 })} MiB`;
    const number = digits
      ? value.toFixed(Number(digits))
      : Number(value.toPrecision(8)).toLocaleString('en-US', { maximumFractionDigits: 9 });
    return unit ? `${number}\u00a0${unit}` : number;
  }
}

/** Above and below; a value that doesn't change lies in the middle. */
function withRoom(min: number | null, max: number | null): uPlot.Range.MinMax {
  if (min === null || max === null) return [0, 1];
  const room = 0.08 * (max - min) || Math.max(0.005 * Math.abs(max), 0.01);
  return [min - room, max + room];
}

/** Of an axis with these labels, px. */
function widthOf(_: uPlot, labels: readonly string[] | null): number {
  return 16 + 7 * Math.max(4, ...(labels ?? []).map((label) => label.length));
}

/** Hours and minutes, UTC, with month and day where one begins. */
function momentsOf(splits: readonly number[]): string[] {
  const stepS = splits.length > 1 ? splits[1]! - splits[0]! : 0;
  let day = '';
  return splits.map((seconds) => {
    const iso = new Date(seconds * 1000).toISOString();
    const clock = iso.slice(11, stepS < 60 ? 19 : 16);
    if (stepS >= 86_400) return iso.slice(5, 10);
    if (iso.slice(5, 10) === day) return clock;
    day = iso.slice(5, 10);
    return `${clock}\n${day}`;
  });
}

type Colors = Readonly<Record<'text' | 'grid' | 'line' | 'band' | 'lost' | 'missing', string>>;

/** The style sheet's, of light or dark. */
function colorsOf(element: Element): Colors {
  const style = getComputedStyle(element);
  const of = (name: string) => style.getPropertyValue(`--chart-${name}`).trim();
  return {
    text: of('text'),
    grid: of('grid'),
    line: of('line'),
    band: of('band'),
    lost: of('lost'),
    missing: of('missing'),
  };
}
