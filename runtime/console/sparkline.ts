/** Heights that any terminal shows, and those of one that knows UTF-8 (Unicode block elements, U+2581 to U+2588). */
const ASCII = '_.-=^';
const BLOCKS = '▁▂▃▄▅▆▇█';
const POINTS = 12;

/** The last values of one channel as a line of characters, between the least and the most of them. */
export class Sparkline {
  readonly #values: number[] = [];

  constructor(
    private readonly heights = /utf-?8/i.test(process.env.LC_ALL || process.env.LANG || '') ? BLOCKS : ASCII,
  ) {}

  add(value: number): string {
    this.#values.push(value);
    if (this.#values.length > POINTS) this.#values.shift();
    const [low, high] = [Math.min(...this.#values), Math.max(...this.#values)];
    const top = this.heights.length - 1;
    return this.#values
      .map((one) => this.heights[high === low ? 0 : Math.round(((one - low) / (high - low)) * top)])
      .join('');
  }
}
