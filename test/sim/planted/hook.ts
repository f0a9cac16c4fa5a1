import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Plant } from './plant.js';

let plant: Plant | undefined;

/** Called by Node when the hook is registered (planted/register.ts). */
export function initialize(data: Plant): void {
  plant = data;
}

type Load = (url: string, context: unknown) => Promise<unknown>;

/** Gives the one file out with the bug in it; the file itself stays as it is. */
export async function load(url: string, context: unknown, next: Load): Promise<unknown> {
  if (!plant || !url.endsWith(`/dist/${plant.file}`)) return next(url, context);
  const text = await readFile(fileURLToPath(url), 'utf8');
  if (text.split(plant.find).length !== 2)
    throw new Error(`${plant.file} has not exactly one: ${plant.find}`);
  return { format: 'module', shortCircuit: true, source: text.replace(plant.find, () => plant!.replace) };
}
