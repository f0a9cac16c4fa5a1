export { lastEnd } from './last-end.js';
export { openService, type Service, type ServiceOptions } from './service.js';
export { statusLine } from './status-line.js';
