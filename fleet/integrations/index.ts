export { VIEW_MIGRATIONS, VIEWS } from './views.js';
