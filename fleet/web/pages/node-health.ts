import type { Channel } from '../../../drivers/contract/index.js';
import type { NodeDetail, StreamSummary } from '../../store/types.js';
import { msOf, spanOf, textOfValue, timeOfMs } from '../format.js';
import { type Html, html } from '../html.js';
import { saidTiles, type Tile, tiles } from './node-tiles.js';
import { causesOf, partsOf } from './node-why.js';

/** Channels of the driver `node`, and from where on they are no longer well. */
const SHOWN: readonly (readonly [channel: string, title: string, isBad: (value: number) => boolean])[] = [
  ['temperature', 'Temperature', (celsius) => celsius >= 80],
  ['cpuUse', 'Processor', (percent) => percent >= 95],
  ['memoryAvailable', 'Memory free', (bytes) => bytes < 32 << 20],
  ['diskFree', 'Disk free', (bytes) => bytes < 64 << 20],
  ['diskUse', 'Disk in use', (percent) => percent >= 95],
  ['uptime', 'Running for', () => false],
  ['underVoltage', 'Voltage too low', (value) => value === 1],
  ['throttled', 'Slowed down', (value) => value === 1],
];

/** How the node is: why it isn't well, by its own word; its parts; its figures, and how old all of it is. */
export function healthOf({ health }: NodeDetail, streams: readonly StreamSummary[], nowMs: number): Html {
  const measured = measuredBy(streams, nowMs);
  if (!health && !measured) return html``;
  return html`<section id="health" data-live aria-labelledby="health-title"><h2 id="health-title">Health</h2>
${
  health &&
  html`${causesOf(health, nowMs)}${partsOf(health)}${tiles(saidTiles(health, ownStream(streams) !== undefined))}
<p class="quiet">As the node said it ${spanOf(nowMs - health.atMs)} ago, ${timeOfMs(health.atMs)}.</p>`
}
${measured}</section>`;
}

/** The node's own figures, from whichever stream has them as the driver `node` names them; whatever measures a battery. */
function measuredBy(streams: readonly StreamSummary[], nowMs: number): Html | undefined {
  const own = ownStream(streams);
  const batteries = streams.flatMap((stream) =>
    batteryChannels(stream).flatMap(({ name }) => tileOf(stream, name, 'Battery', () => false)),
  );
  const shown = [
    ...SHOWN.flatMap(([name, title, isBad]) => (own ? tileOf(own, name, title, isBad) : [])),
    ...batteries,
  ];
  if (shown.length === 0) return undefined;
  const wallNs = own?.latest?.wallNs;
  const age =
    own &&
    `As it was measured ${wallNs === undefined ? 'at a time that is not known yet' : `${spanOf(nowMs - msOf(wallNs))} ago`}.`;
  return html`${tiles(shown)}${age && html`<p class="quiet">${age}</p>`}`;
}

const CHARGES: readonly Channel['quantity'][] = ['voltage', 'percent', 'ratio'];

/** A tracker names the channel so; a node's part that measures one bears the name. */
function batteryChannels({ stream, channels }: StreamSummary): readonly Channel[] {
  const named = channels.filter(({ name }) => /battery/i.test(name));
  if (named.length > 0 || !/battery/.test(stream)) return named;
  return channels.filter(({ quantity }) => CHARGES.includes(quantity)).slice(0, 1);
}

function ownStream(streams: readonly StreamSummary[]): StreamSummary | undefined {
  return streams.find(({ channels, latest }) => latest && channels.some(({ name }) => name === 'cpuUse'));
}

function tileOf(
  { channels, latest }: StreamSummary,
  name: string,
  title: string,
  isBad: (value: number) => boolean,
): readonly Tile[] {
  const column = channels.findIndex((channel) => channel.name === name);
  const channel = channels[column];
  const value = latest?.values[column] ?? null;
  if (!channel || !latest || value === null) return [];
  const text = name === 'uptime' ? spanOf(value * 1000) : (textOfValue(channel, latest, column) ?? '');
  return [[title, text, isBad(value)]];
}
