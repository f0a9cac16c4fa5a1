/** Lines that stand between the suites' TAP: what runs on a rig writes them, the report reads them. */
export const READY = '# hil ready';
export const BEGIN = '# hil begin';
export const END = '# hil end';

/** What runs on the rig has made its parts; `slowness` is at least 1: how many times slower than an idle machine it seems. */
export const readyMark = (slowness: number) => `${READY} ${slowness.toFixed(2)}\n`;
export const beginMark = (suite: string) => `${BEGIN} ${suite}\n`;
/** `code` is the exit code of the suite's process; 124, as of timeout(1), where it was ended for taking too long. */
export const endMark = (suite: string, code: number, tookMs: number) =>
  `${END} ${suite} ${code} ${Math.round(tookMs)}\n`;
