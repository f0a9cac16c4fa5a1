/** Served from the package (assets.ts). */
declare module '*/uplot.js' {
  export { default } from 'uplot';
}
