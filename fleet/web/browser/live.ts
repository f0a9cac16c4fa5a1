import { follow } from './connection.js';

/** Between two fetches of the page, at the least; and at the most: a state, or how long ago something was, becomes another by time alone. */
const EVERY_MS = 2_000;
const AT_LATEST_MS = 10_000;

const main = document.querySelector<HTMLElement>('main[data-watch]');
if (main) begin(main.dataset.watch!.split(' '));

/** Whenever what the page shows became another, it is fetched anew: its live parts take the place of the old ones, and what is new in a list that grows joins it. */
function begin(topics: readonly string[]): void {
  let isOpen = true;
  /** It has been fetched since the connection came. */
  let isFresh = true;
  let trouble: string | undefined;
  let lastMs = 0;
  let isDue = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const say = () => {
    const state = document.getElementById('live');
    if (!state) return;
    const lost = 'The connection is lost; it is tried again by itself.';
    const back = 'The connection is back; what is shown is from before and is being fetched.';
    state.textContent = trouble ?? (!isOpen ? lost : !isFresh ? back : 'Follows live.');
    state.className = trouble === undefined && isOpen && isFresh ? 'quiet' : 'notice';
  };
  const soon = () => {
    isDue = true;
    if (timer !== undefined || document.hidden) return;
    timer = setTimeout(
      async () => {
        lastMs = Date.now();
        isDue = false;
        const wasOpen = isOpen;
        trouble = await refresh().catch(() => failed('no answer'));
        isFresh ||= wasOpen && trouble === undefined;
        say();
        timer = undefined;
        if (isDue) soon();
      },
      Math.max(0, lastMs + EVERY_MS - Date.now()),
    );
  };
  document.addEventListener('visibilitychange', soon);
  setInterval(soon, AT_LATEST_MS);
  follow(
    topics,
    (told) => {
      document.dispatchEvent(new CustomEvent('told', { detail: told }));
      soon();
    },
    (isNow) => {
      isOpen = isNow;
      isFresh &&= isNow;
      say();
    },
  );
}

function failed(why: string | number): string {
  return `This page could not be brought up to date (${why}): what it shows is from before. It is tried again by itself.`;
}

/** Resolves with why it could not be done. */
async function refresh(): Promise<string | undefined> {
  const answer = await fetch(location.href, { headers: { accept: 'text/html' } });
  if (answer.redirected) return 'You are signed out: what this page shows is from before. Load it again.';
  if (!answer.ok) return failed(answer.status);
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html');
  const wasAt = focusedTop();
  for (const old of document.querySelectorAll('[data-live][id]')) {
    const made = next.getElementById(old.id);
    if (!made || made.outerHTML === old.outerHTML) continue;
    const focused = old.contains(document.activeElement) ? document.activeElement : null;
    old.replaceWith(made);
    if (focused) sameAs(focused, made)?.focus({ preventScroll: true });
  }
  for (const list of document.querySelectorAll('[data-grows][id]')) grow(list, next.getElementById(list.id));
  const isAt = focusedTop();
  if (wasAt !== undefined && isAt !== undefined && wasAt >= 0 && wasAt < innerHeight)
    scrollBy(0, isAt - wasAt);
  return undefined;
}

/** Where somebody types or is about to press: it stays under their eyes and thumb, whatever grows above it. */
function focusedTop(): number | undefined {
  const { activeElement } = document;
  return activeElement === document.body ? undefined : activeElement?.getBoundingClientRect().top;
}

/** What is there stays as it is: it may be drawn into. */
function grow(list: Element, next: HTMLElement | null): void {
  const fresh = [...(next?.children ?? [])].map((made, at) => ({ made, at }));
  for (const { made, at } of fresh)
    if (made.id && !document.getElementById(made.id)) list.insertBefore(made, list.children[at] ?? null);
  document.dispatchEvent(new Event('grown'));
}

/** Who works by keyboard stays where they were. */
function sameAs(focused: Element, within: Element): HTMLElement | undefined {
  const href = focused.getAttribute('href');
  const all = [...within.querySelectorAll<HTMLElement>(focused.tagName)];
  return all.find((one) =>
    href === null ? one.ariaLabel === focused.ariaLabel : one.getAttribute('href') === href,
  );
}
