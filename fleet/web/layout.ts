import { type Html, html } from './html.js';

export interface PageOptions {
  /** In the tab, and as the page's heading. */
  readonly title: string;
  /** The entry of the navigation that it belongs to: `/`, `/logs`, `/alerts`, `/people`. */
  readonly path: string;
  /** Who is signed in; absent: nobody. */
  readonly person?: { readonly name: string };
  readonly body: Html;
  /** Of assets/, as modules. */
  readonly scripts?: readonly string[];
}

/** A whole page: navigation, heading, body. */
export function page({ title, path, person, body, scripts = [] }: PageOptions): string {
  const links = [
    ['/', 'Fleet'],
    ['/logs', 'Logs'],
    ['/alerts', 'Alerts'],
    ['/people', 'People'],
  ] as const;
  const entries = links.map(
    ([to, name]) => html`<a href="${to}" ${to === path && html`aria-current="page"`}>${name}</a>`,
  );
  return html`<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${title} · Cairn</title>
<link rel="stylesheet" href="/assets/style.css">
${scripts.map((name) => html`<script type="module" src="/assets/${name}"></script>`)}
</head>
<body>
<header><nav aria-label="Main">${entries}</nav>${person && html`<a href="/me">${person.name}</a>`}</header>
<main><h1>${title}</h1>${body}</main>
</body>
</html>`.text;
}
