export { changesOf, changesOfMoved } from './changes.js';
export { type Html, html } from './html.js';
export { type PageOptions, page } from './layout.js';
export { alertsPages } from './pages/alerts.js';
export { peoplePlugin } from './people/index.js';
export { createWeb } from './server.js';
export type { Change, Health, News, Tiles, WebDeps } from './types.js';
