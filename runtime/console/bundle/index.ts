export { collected } from './collect.js';
export { knownSecrets } from './known-secrets.js';
export { BUNDLE_DEFAULT_BYTES, packed } from './pack.js';
