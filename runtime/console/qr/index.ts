export * from './code.js';
export * from './draw.js';
