import type { Page } from 'playwright-core';
import { until } from '../../support/until.js';

/** What somebody sees who looks at a page and touches nothing. */
export interface Seen {
  /** Services that the page says are down, by name. */
  readonly down: string;
  /** It says that it is shown as it was. */
  readonly isOld: boolean;
  /** It has its connection. */
  readonly isLive: boolean;
}

const SEE = `(() => {
  const notices = [...document.querySelectorAll('#notices .notice')].map((one) => one.textContent);
  const names = notices.map((text) => /^(\\w+) (is down|has not started)/.exec(text)?.[1]).filter(Boolean);
  return {
    down: names.sort().join(' '),
    isOld: notices.some((text) => text.includes('shown as it was')),
    isLive: document.getElementById('live').textContent === 'Follows live.',
  };
})()`;

export function see(page: Page): Promise<Seen> {
  return page.evaluate<Seen>(SEE);
}

/** Waits until both pages say so, and that they go on saying so for a while; how long it took them, ms. */
export async function shows(
  pages: readonly Page[],
  what: string,
  expected: Partial<Seen>,
  { withinMs, forMs = 1_500 }: { readonly withinMs: number; readonly forMs?: number },
): Promise<number> {
  const startMs = Date.now();
  let last: readonly Seen[] = [];
  const holds = async () => {
    last = await Promise.all(pages.map(see));
    return last.every((seen) => isSame(seen, expected));
  };
  await until(what, holds, withinMs).catch((error: Error) => {
    throw new Error(`${error.message}: wanted ${JSON.stringify(expected)}, seen ${JSON.stringify(last)}`);
  });
  const tookMs = Date.now() - startMs;
  for (const endMs = Date.now() + forMs; Date.now() < endMs; await sleep(100))
    if (!(await holds()))
      throw new Error(
        `it didn't stay: ${what}: wanted ${JSON.stringify(expected)}, seen ${JSON.stringify(last)}`,
      );
  return tookMs;
}

function isSame(seen: Seen, expected: Partial<Seen>): boolean {
  return Object.entries(expected).every(([name, value]) => seen[name as keyof Seen] === value);
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
