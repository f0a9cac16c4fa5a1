import type { Channel } from '../../../drivers/contract/index.js';
import type { GapCause } from '../../../wire/index.js';
import type { Reading, Removed, Span, StreamSummary } from '../../store/types.js';
import { unitText } from '../../words.js';
import { CAUSES, countOf, isoOf, QUALITY_NAMES, rowsOf, textOfValue, timeOf } from '../format.js';
import { type Html, html } from '../html.js';
import { pathWith, table } from './parts.js';

/** A stream of the newest epoch: what came last, what is lost, a chart a channel of numbers. */
export function streamSection(stream: StreamSummary, span: Span): Html {
  const id = `stream-${stream.streamId}`;
  const charts = stream.channels.flatMap((channel, column) =>
    stream.logClass !== 'log' && isCharted(channel) ? [chart(stream, channel, column)] : [],
  );
  return html`<section class="stream" id="${id}-all" aria-labelledby="${id}-title">
<h3 id="${id}-title">${stream.title || stream.stream} <small>${stream.stream}, ${stream.logClass}</small></h3>
<div id="${id}" data-live>${latestOf(stream)}<p>${accountOf(stream)}</p></div>
<div class="charts">${charts}</div>
<p class="links">${exportsOf(stream, span)}</p></section>`;
}

/** Of earlier lives of the store: what there is of them, to be had as files. */
export function oldStreams(streams: readonly StreamSummary[], span: Span): Html {
  return html`<details><summary>Streams of earlier epochs (${streams.length})</summary>
<p class="quiet">An epoch is one life of the node's store: another card, or a store made anew, begins the next.</p>
${table(
  [
    { title: 'Stream', cell: ({ stream }) => stream },
    { title: 'Epoch', cell: ({ epoch }) => html`<code>${epoch}</code>` },
    { title: 'Account', cell: accountOf },
    { title: 'Newest', cell: ({ latest }) => timeOf(latest?.wallNs) },
    { title: 'Files', cell: (stream) => exportsOf(stream, span) },
  ],
  streams,
)}</details>`;
}

function isCharted({ type }: Channel): boolean {
  return type.kind !== 'utf8' && type.kind !== 'bytes';
}

/** Rows when something happened: they say nothing of the time between. */
function isOfMoments(logClass: StreamSummary['logClass']): boolean {
  return logClass === 'alarm' || logClass === 'event';
}

function chart({ streamId, logClass }: StreamSummary, channel: Channel, column: number): Html {
  const { type } = channel;
  const labels = type.kind === 'enum' && JSON.stringify(type.labels);
  const digits = type.kind === 'decimal' && type.scale;
  return html`<figure class="chart" data-stream="${streamId}" data-channel="${column}" data-unit="${unitText(channel.quantity)}" ${isOfMoments(logClass) && html`data-moments`} ${labels && html`data-labels="${labels}"`} ${digits !== false && html`data-digits="${digits}"`}>
<figcaption>${channel.name} ${unitText(channel.quantity) && html`<small>${unitText(channel.quantity)}</small>`}</figcaption>
<div class="plot"></div><p class="said quiet"></p></figure>`;
}

function latestOf({ channels, latest }: StreamSummary): Html {
  if (!latest) return html`<p class="quiet">No reading yet.</p>`;
  const rows = channels.map((channel, column) => ({ channel, column }));
  return html`<p>Newest: number ${countOf(latest.sequence)}, ${timeOf(latest.wallNs)}</p>
<dl class="facts values">${rows.map(({ channel, column }) => html`<div><dt>${channel.name}</dt><dd>${textOfValue(channel, latest, column) ?? html`<span class="quiet">none</span>`}${qualityOf(latest, column)}</dd></div>`)}</dl>`;
}

function qualityOf({ quality }: Reading, column: number): Html | undefined {
  const letter = quality?.[column] ?? 'g';
  return letter === 'g' ? undefined : html` <strong class="bad">${QUALITY_NAMES[letter] ?? letter}</strong>`;
}

/** Received, lost and missing, in words. */
function accountOf({ received, lost, missing, conflicts, contradictions, removed }: StreamSummary): Html {
  const losses = (Object.entries(lost) as [GapCause, bigint][]).filter(([, rows]) => rows > 0n);
  return html`${rowsOf(received)} received${losses.length === 0 && ', none lost'}${losses.map(([cause, rows]) => html`, <strong>${countOf(rows)} lost</strong> (${CAUSES[cause] ?? cause})`)}${missing > 0n && html`, ${countOf(missing)} under way or missing`}${conflicts > 0n && html`, <a href="#conflicts" class="bad">${countOf(conflicts)} in conflict</a>`}${contradictions > 0n && html`, <a href="#contradictions" class="bad">${countOf(contradictions)} contradicted</a>`}.${removed && html` ${removedText(removed)}`}`;
}

/** That rows are gone because they were old, by nobody's fault. */
export function removedText({ rows, toNs }: Removed): Html {
  return html`<span class="quiet">Removed by retention: ${rowsOf(rows)}${toNs !== undefined && html`, until ${timeOf(toNs)}`}.</span>`;
}

function exportsOf({ streamId, stream }: StreamSummary, span: Span): Html {
  const query = { from: isoOf(span.fromNs)!, to: isoOf(span.toNs)! };
  const link = (format: string, name: string) =>
    html`<a href="${pathWith(`/api/v1/streams/${streamId}/readings`, { format, ...query })}">${name}<span class="hidden"> of ${stream}</span></a>`;
  return html`${link('csv', 'CSV')} ${link('senml', 'SenML')} ${link('json', 'JSON')}`;
}
