import { Chart } from './chart.js';
import type { Told } from './connection.js';

const HOUR_MS = 3_600_000;
/** Between two looks at one chart. */
const EVERY_MS = 2_000;

const place = document.getElementById('charts');
if (place) begin(place);

/** A chart is loaded when it comes into sight, and again when its stream is told of while it is in sight. */
function begin({ dataset }: HTMLElement): void {
  const hours = Number(dataset.hours);
  const end = dataset.end;
  /** The server's clock counts, whatever this one says. */
  const aheadMs = Number(dataset.now) - Date.now();
  const due = new Set<Chart>();
  const inSight = new Set<Chart>();
  const charts = new Map<HTMLElement, Chart>();
  const load = async () => {
    const toMs = end === undefined ? Date.now() + aheadMs : Number(end);
    for (const chart of inSight)
      if (due.delete(chart)) await chart.load(toMs - hours * HOUR_MS, toMs).catch(() => due.add(chart));
  };
  const observer = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const chart = charts.get(target as HTMLElement)!;
        if (isIntersecting) inSight.add(chart);
        else inSight.delete(chart);
      }
      void load();
    },
    { rootMargin: '200px' },
  );
  const find = () => {
    for (const figure of document.querySelectorAll<HTMLElement>('figure.chart')) {
      if (charts.has(figure)) continue;
      const chart = new Chart(figure);
      charts.set(figure, chart);
      due.add(chart);
      observer.observe(figure);
    }
  };
  find();
  document.addEventListener('grown', find);
  document.addEventListener('told', (event) => {
    const { reload, topics = [] } = (event as CustomEvent<Told>).detail;
    const isAll = reload || topics.includes('health') || topics.includes('streams');
    for (const chart of charts.values())
      if (isAll || topics.includes(`stream:${chart.stream}`)) due.add(chart);
  });
  setInterval(() => document.hidden || void load(), EVERY_MS);
}
