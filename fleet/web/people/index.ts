export { by, csrfField, field, trying } from './form.js';
export { requireRole, requireSession } from './guard.js';
export { type PeoplePluginOptions, peoplePlugin } from './plugin.js';
