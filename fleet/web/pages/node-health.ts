import type { StreamSummary } from '../../store/types.js';
import { msOf, spanOf, textOfValue } from '../format.js';
import { type Html, html } from '../html.js';

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

/** The node's own figures, from whichever stream has them as the driver `node` names them. */
export function healthOf(streams: readonly StreamSummary[], nowMs: number): Html {
  const stream = streams.find(({ channels }) => channels.some(({ name }) => name === 'cpuUse'));
  const reading = stream?.latest;
  if (!stream || !reading) return html``;
  const tiles = SHOWN.map(([name, title, isBad]) => {
    const column = stream.channels.findIndex((channel) => channel.name === name);
    const channel = stream.channels[column];
    const value = reading.values[column] ?? null;
    if (!channel || value === null) return undefined;
    const text = name === 'uptime' ? spanOf(value * 1000) : textOfValue(channel, reading, column);
    return html`<div ${isBad(value) && html`class="bad"`}><dt>${title}</dt><dd>${text}${isBad(value) && html` <strong>not well</strong>`}</dd></div>`;
  });
  const age = reading.wallNs === undefined ? undefined : nowMs - msOf(reading.wallNs);
  return html`<section id="health" data-live aria-labelledby="health-title"><h2 id="health-title">Health</h2>
<dl class="facts tiles">${tiles}</dl><p class="quiet">${age === undefined ? 'At a time that is not known yet.' : `As it was ${spanOf(age)} ago.`}</p></section>`;
}
