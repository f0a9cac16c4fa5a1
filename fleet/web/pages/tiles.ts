import { type Html, html } from '../html.js';
import { WEB_MERCATOR } from './projection.js';

/** Of a tile, as its maker drew it. */
const PIXELS = 256;

/** What a map in Web Mercator shows, in degrees of longitude and northing, and where those are in the picture. */
export interface MapView {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
  /** Picture units a degree. */
  readonly scale: number;
  xOf(longitude: number): number;
  yOf(northing: number): number;
}

export interface Tile {
  readonly zoom: number;
  readonly x: number;
  readonly y: number;
}

/** OpenStreetMap wiki, "Slippy map tilenames", "Lon./lat. to tile numbers". */
export function tileAt(latitude: number, longitude: number, zoom: number): Tile {
  const { column, row } = numbersOf(zoom);
  return { zoom, x: column(longitude), y: row(WEB_MERCATOR.northingOf(latitude)) };
}

function numbersOf(zoom: number) {
  const degrees = 360 / 2 ** zoom;
  return {
    degrees,
    column: (longitude: number) => Math.floor((longitude + 180) / degrees),
    row: (northing: number) => Math.floor((180 - northing) / degrees),
  };
}

/** Those that the view needs, each shown at 0.7 to 1.5 times its size: 720 by 400 units are 20 at most. */
export function tilesOf(view: Omit<MapView, 'xOf' | 'yOf'>): readonly Tile[] {
  const zoom = Math.max(0, Math.round(Math.log2((360 * view.scale) / PIXELS)));
  const { column, row } = numbersOf(zoom);
  const within = (number: number) => Math.min(2 ** zoom - 1, Math.max(0, number));
  const span = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i);
  const rows = span(within(row(view.north)), within(row(view.south)));
  const columns = span(within(column(view.west)), within(column(view.east)));
  return rows.flatMap((y) => columns.map((x) => ({ zoom, x, y })));
}

export function tileImages(url: string, view: MapView): Html {
  const images = tilesOf(view).map(({ zoom, x, y }) => {
    const { degrees } = numbersOf(zoom);
    const [left, right] = [view.xOf(x * degrees - 180), view.xOf((x + 1) * degrees - 180)];
    const [top, bottom] = [view.yOf(180 - y * degrees), view.yOf(180 - (y + 1) * degrees)];
    // A little over the next one: no seam shows.
    const [width, height] = [(right - left + 0.5).toFixed(1), (bottom - top + 0.5).toFixed(1)];
    const href = url.replace('{z}', `${zoom}`).replace('{x}', `${x}`).replace('{y}', `${y}`);
    return html`<image href="${href}" x="${left}" y="${top}" width="${width}" height="${height}" preserveAspectRatio="none"/>`;
  });
  return html`<g class="land" aria-hidden="true">${images}</g>`;
}
