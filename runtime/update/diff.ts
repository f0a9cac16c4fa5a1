/** Lines around a change that stay the same. */
const CONTEXT = 2;
/** More changed lines than this times as many are not compared one by one: the table would take the board's memory. */
const TABLE_MAX = 1_000_000;

interface Step {
  readonly mark: ' ' | '-' | '+';
  readonly line: string;
}

/**
 * What differs between two texts, a line each: `- ` gone, `+ ` new, `  ` around it, `…` where lines were left out; empty where nothing does.
 * By the longest common subsequence; beyond a million pairs of lines, old and new as a whole.
 */
export function diffLines(before: string, after: string): readonly string[] {
  const [a, b] = [linesOf(before), linesOf(after)];
  let head = 0;
  while (head < a.length && head < b.length && a[head] === b[head]) head++;
  let tail = 0;
  while (tail < Math.min(a.length, b.length) - head && a.at(-1 - tail) === b.at(-1 - tail)) tail++;
  const middle = stepsOf(a.slice(head, a.length - tail), b.slice(head, b.length - tail));
  if (middle.length === 0) return [];
  const same = (line: string): Step => ({ mark: ' ', line });
  return shown([...a.slice(0, head).map(same), ...middle, ...a.slice(a.length - tail).map(same)]);
}

function linesOf(text: string): string[] {
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  return lines;
}

function stepsOf(a: readonly string[], b: readonly string[]): Step[] {
  const gone = (line: string): Step => ({ mark: '-', line });
  const made = (line: string): Step => ({ mark: '+', line });
  if (a.length * b.length > TABLE_MAX) return [...a.map(gone), ...b.map(made)];
  const common = commonLengths(a, b);
  const steps: Step[] = [];
  let [i, j] = [0, 0];
  while (i < a.length && j < b.length) {
    if (a[i] === b[j]) {
      steps.push({ mark: ' ', line: a[i++]! });
      j++;
    } else if (common[i + 1]![j]! >= common[i]![j + 1]!) steps.push(gone(a[i++]!));
    else steps.push(made(b[j++]!));
  }
  return [...steps, ...a.slice(i).map(gone), ...b.slice(j).map(made)];
}

/** Of what follows lines i of `a` and j of `b`: how many are common. */
function commonLengths(a: readonly string[], b: readonly string[]): Uint32Array[] {
  const rows = Array.from({ length: a.length + 1 }, () => new Uint32Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      rows[i]![j] = a[i] === b[j] ? rows[i + 1]![j + 1]! + 1 : Math.max(rows[i + 1]![j]!, rows[i]![j + 1]!);
    }
  }
  return rows;
}

function shown(steps: readonly Step[]): string[] {
  const changes = steps.flatMap(({ mark }, i) => (mark === ' ' ? [] : [i]));
  const isNear = new Set(
    changes.flatMap((at) => Array.from({ length: 2 * CONTEXT + 1 }, (_, i) => at - CONTEXT + i)),
  );
  return steps.flatMap(({ mark, line }, i) => {
    if (isNear.has(i)) return [`${mark} ${line}`];
    return i === 0 || isNear.has(i - 1) ? ['…'] : [];
  });
}
