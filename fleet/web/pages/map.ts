import type { NodeState, NodeSummary } from '../../store/types.js';
import { countOf } from '../format.js';
import { type Html, html } from '../html.js';
import { STATES } from '../inputs.js';
import type { Tiles } from '../types.js';
import { pathOf, pathWith } from './parts.js';
import { PLAIN, type Projection, WEB_MERCATOR } from './projection.js';
import { SHAPES } from './state.js';
import { type MapView, tileImages } from './tiles.js';

type Position = NonNullable<NodeSummary['position']>;
type Placed = NodeSummary & { readonly position: Position };
/** South, west, north, east. */
export type Box = readonly [south: number, west: number, north: number, east: number];

interface Filter {
  readonly group?: string | undefined;
  readonly state?: string | undefined;
  readonly search?: string | undefined;
  readonly box?: unknown;
}

/** Of the picture, in its own units. */
const WIDTH = 720;
const HEIGHT = 400;
const MARGIN = 44;
/** Nodes closer than this are one mark. */
const CELL = 30;
/** So that a single node has a place, too. */
const MIN_SPAN_DEGREES = 0.01;
const STEPS = [60, 30, 20, 10, 5, 2, 1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001];

export function isWithin([south, west, north, east]: Box, position: Position | undefined): boolean {
  if (!position) return false;
  const { latitude, longitude } = position;
  return latitude >= south && latitude <= north && longitude >= west && longitude <= east;
}

/** Where the nodes are, north above, on a grid of coordinates, and on tiles if given: plain SVG, no script. A mark of several leads closer. */
export function fleetMap(
  nodes: readonly NodeSummary[],
  { group, state, search, box }: Filter,
  tiles: Tiles | undefined,
): Html {
  const placed = nodes.filter((node): node is Placed => isPlace(node.position));
  const all =
    box !== undefined && html`<a href="${pathWith('/', { group, state, search })}">The whole map</a>`;
  if (placed.length === 0)
    return html`<section id="map" data-live aria-labelledby="map-title"><h2 id="map-title">Map</h2><p class="quiet">No node shown here has said where it is. ${all}</p></section>`;
  const view = new View(placed, tiles ? WEB_MERCATOR : PLAIN);
  const marks = view.marks(placed).map((mark) => {
    const [first] = mark.nodes;
    const one = mark.nodes.length === 1;
    const path = one ? pathOf(first!) : pathWith('/', { group, state, search, box: view.boxAround(mark) });
    const label = one
      ? `${first!.name}: ${first!.state}`
      : `${mark.nodes.length} nodes, ${mark.state} at worst`;
    return html`<a href="${path}" aria-label="${label}" class="state ${mark.state}" transform="translate(${mark.x} ${mark.y})"><title>${label}</title>${SHAPES[mark.state]}${!one && html`<text x="8" y="4">${mark.nodes.length}</text>`}</a>`;
  });
  return html`<section id="map" data-live aria-labelledby="map-title"><h2 id="map-title">Map</h2>
<svg class="map" viewBox="0 0 ${WIDTH} ${HEIGHT}" role="group" aria-label="${placed.length} nodes by latitude and longitude">${tiles && tileImages(tiles.url, view)}${view.grid()}${marks}</svg>
<p class="quiet">${countOf(placed.length)} of ${countOf(nodes.length)} ${nodes.length === 1 ? 'has said where it is' : 'have said where they are'}; what lies close together is one mark with its number. ${tiles && `Map: ${tiles.attribution}.`} ${all}</p></section>`;
}

function isPlace(position: Position | undefined): position is Position {
  return position !== undefined && Math.abs(position.latitude) <= 90 && Math.abs(position.longitude) <= 180;
}

interface Mark {
  readonly x: number;
  readonly y: number;
  readonly nodes: readonly Placed[];
  /** The worst of its nodes'. */
  readonly state: NodeState;
}

/** Degrees to the picture. */
class View implements MapView {
  readonly west: number;
  readonly east: number;
  readonly south: number;
  readonly north: number;
  /** Picture units a degree of northing; of longitude they are `#perLongitude`. */
  readonly scale: number;
  readonly #perLongitude: number;

  constructor(
    nodes: readonly Placed[],
    private readonly projection: Projection,
  ) {
    const [south, north] = range(nodes.map(({ position }) => projection.northingOf(position.latitude)));
    const [west, east] = range(nodes.map(({ position }) => position.longitude));
    const squeeze = projection.squeezeAt((south + north) / 2);
    const width = Math.max((east - west) * squeeze, MIN_SPAN_DEGREES);
    const height = Math.max(north - south, MIN_SPAN_DEGREES);
    this.scale = Math.min((WIDTH - 2 * MARGIN) / width, (HEIGHT - 2 * MARGIN) / height);
    this.#perLongitude = this.scale * squeeze;
    this.south = (south + north) / 2 - HEIGHT / 2 / this.scale;
    this.north = this.south + HEIGHT / this.scale;
    this.west = (west + east) / 2 - WIDTH / 2 / this.#perLongitude;
    this.east = this.west + WIDTH / this.#perLongitude;
  }

  marks(nodes: readonly Placed[]): readonly Mark[] {
    const cells = new Map<string, Placed[]>();
    for (const node of nodes) {
      const key = `${Math.floor(this.xOf(node.position.longitude) / CELL)} ${Math.floor(this.#latitude(node.position.latitude) / CELL)}`;
      const cell = cells.get(key);
      if (cell) cell.push(node);
      else cells.set(key, [node]);
    }
    return [...cells.values()].map((all) => ({
      x: this.xOf(mean(all.map(({ position }) => position.longitude))),
      y: this.#latitude(mean(all.map(({ position }) => position.latitude))),
      nodes: all,
      state: STATES.findLast((state) => all.some((node) => node.state === state)) ?? 'live',
    }));
  }

  /** A little more than the cell. */
  boxAround({ nodes }: Mark): string {
    const [south, north] = range(nodes.map(({ position }) => position.latitude));
    const [west, east] = range(nodes.map(({ position }) => position.longitude));
    return [south - 1e-6, west - 1e-6, north + 1e-6, east + 1e-6]
      .map((degrees) => degrees.toFixed(6))
      .join(',');
  }

  grid(): Html {
    const step = STEPS.findLast((size) => (this.east - this.west) / size <= 8) ?? 60;
    const digits = Math.max(0, Math.ceil(-Math.log10(step)));
    const meridians = multiples(this.west, this.east, step).map((degrees) => {
      const x = this.xOf(degrees);
      return html`<path d="M${x} 0V${HEIGHT}"/><text x="${x + 3}" y="${HEIGHT - 5}">${degreesText(degrees, digits, 'E', 'W')}</text>`;
    });
    const [south, north] = [this.south, this.north].map(this.projection.latitudeOf) as [number, number];
    const parallels = multiples(south, north, step).map((degrees) => {
      const y = this.#latitude(degrees);
      return html`<path d="M0 ${y}H${WIDTH}"/><text x="4" y="${y - 3}">${degreesText(degrees, digits, 'N', 'S')}</text>`;
    });
    return html`<g class="grid" aria-hidden="true">${meridians}${parallels}</g>`;
  }

  xOf(longitude: number): number {
    return round((longitude - this.west) * this.#perLongitude);
  }

  yOf(northing: number): number {
    return round(HEIGHT - (northing - this.south) * this.scale);
  }

  #latitude(degrees: number): number {
    return this.yOf(this.projection.northingOf(degrees));
  }
}

function degreesText(degrees: number, digits: number, positive: string, negative: string): string {
  return `${Math.abs(degrees).toFixed(digits)}° ${degrees < 0 ? negative : positive}`;
}

function range(values: readonly number[]): [min: number, max: number] {
  return values.reduce<[number, number]>(
    ([min, max], value) => [Math.min(min, value), Math.max(max, value)],
    [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
  );
}

function multiples(from: number, to: number, step: number): readonly number[] {
  const first = Math.ceil(from / step);
  return Array.from({ length: Math.max(0, Math.floor(to / step) - first + 1) }, (_, i) => (first + i) * step);
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
