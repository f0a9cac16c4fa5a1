/** Lines that stand between the suites' TAP: what runs on a rig writes them, the report reads them. */
export const READY = '# hil ready';
export const BEGIN = '# hil begin';
export const END = '# hil end';
export const ERROR = '# hil error';
export const TIME = '# hil time';
export const WIRING = '# hil wiring';

/**
 * What runs on the rig has made its parts. `slowness` is at least 1: how many times slower than an idle machine it seems; a suite is ended after
 * `limitMs`.
 */
export const readyMark = (slowness: number, limitMs: number) =>
  `${READY} ${slowness.toFixed(2)} ${Math.round(limitMs)}\n`;
/** What took how long around the suites, such as building the guest. */
export const timeMark = (what: string, tookMs: number) => `${TIME} ${what} ${(tookMs / 1000).toFixed(1)} s\n`;
/** One wrong wiring of the rig, in one line. */
export const wiringMark = (line: string) => `${WIRING} ${line}\n`;
export const beginMark = (suite: string) => `${BEGIN} ${suite}\n`;
/** `code` is the exit code of the suite's process; 124, as of timeout(1), where it was ended for taking too long. */
export const endMark = (suite: string, code: number, tookMs: number) =>
  `${END} ${suite} ${code} ${Math.round(tookMs)}\n`;
/** The end of what a suite that failed wrote to its standard error, in one line. */
export const errorMark = (text: string) => `${ERROR} ${text.trim().replace(/\s*\n\s*/g, ' | ')}\n`;
