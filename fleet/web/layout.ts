import { Html, html } from './html.js';

export interface PageOptions {
  /** In the tab, and as the page's heading. */
  readonly title: string;
  /** The entry of the navigation that it belongs to: `/`, `/logs`, `/alerts`, `/people`, `/health`. */
  readonly path: string;
  /** Who is signed in; absent: nobody. */
  readonly person?: { readonly name: string } | undefined;
  readonly body: Html;
  /** Of browser/, as modules. */
  readonly scripts?: readonly string[];
  /** Beside style.css. */
  readonly styles?: readonly string[];
  /** What changes the page: its elements with an id and `data-live` are fetched anew then (docs/fleet/web.md). */
  readonly watch?: readonly string[];
}

/** Where `withNotices` puts them: what people wrote is escaped, so no page has it twice. */
const NOTICES = '<!--notices-->';

/** A whole page: navigation, heading, body. */
export function page({
  title,
  path,
  person,
  body,
  scripts = [],
  styles = [],
  watch = [],
}: PageOptions): string {
  const links = [
    ['/', 'Fleet'],
    ['/logs', 'Logs'],
    ['/alerts', 'Alerts'],
    ['/people', 'People'],
    ['/health', 'Health'],
  ] as const;
  const entries = links.map(
    ([to, name]) => html`<a href="${to}" ${to === path && html`aria-current="page"`}>${name}</a>`,
  );
  const modules = watch.length > 0 ? ['live.js', ...scripts] : scripts;
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${title} · Cairn</title>
<link rel="icon" href="/assets/icon.svg" type="image/svg+xml">
${['style.css', ...styles].map((name) => html`<link rel="stylesheet" href="/assets/${name}">`)}
${modules.map((name) => html`<script type="module" src="/assets/${name}"></script>`)}
</head>
<body>
<a class="skip" href="#main">Skip to the content</a>
<header><nav aria-label="Main">${entries}</nav>${person && html`<a class="me" href="/me">${person.name}</a>`}</header>
<main id="main" ${watch.length > 0 && html`data-watch="${watch.join(' ')}"`}><div id="notices" data-live>${new Html(NOTICES)}</div><h1>${title}</h1>${body}</main>
${watch.length > 0 && html`<footer><p id="live" role="status" class="quiet">This page was made once. With script it follows by itself.</p></footer>`}
</body>
</html>`.text;
}

/** What every page says at its top. */
export function withNotices(text: string, notices: readonly Html[]): string {
  const shown = notices.map((notice) => html`<p class="notice">${notice}</p>`.text).join('');
  return text.replace(NOTICES, () => shown);
}
