import type * as v from 'valibot';
import { check } from './check.js';
import { type ConfigFiles, readYaml } from './files.js';
import { Problems } from './problem.js';
import { find } from './tree.js';
import type { ConfigProblem, Place } from './types.js';

/** What a schema can't see, told at the place of a key or of its value. */
export interface MoreChecks {
  readonly place: (path: readonly string[], of?: 'key' | 'value') => Place;
  readonly problems: Pick<Problems, 'add' | 'addUnknown'>;
}

/**
 * Reads a YAML file that is no node's or board's, against a schema of its own, with problems as theirs are told. `what` is what it is:
 * `the rig file`.
 */
export function readOtherFile<S extends v.GenericSchema>(
  file: string,
  what: string,
  schema: S,
  files: ConfigFiles,
  more: (value: v.InferOutput<S>, checks: MoreChecks) => void = () => undefined,
): { readonly value?: v.InferOutput<S>; readonly problems: readonly ConfigProblem[] } {
  const problems = new Problems();
  const asked = { place: { file, line: 1, column: 1 }, what, wanted: () => `the path of ${what}` };
  const tree = readYaml(file, files, asked, problems);
  const value = tree && check(tree, schema, '', problems);
  if (!tree || value === undefined) return { problems: problems.sorted() };
  const place: MoreChecks['place'] = (path, of = 'value') => {
    const at = find(tree, path);
    return of === 'key' ? at.keyPlace : at.tree.place;
  };
  more(value, { place, problems });
  return problems.count > 0 ? { problems: problems.sorted() } : { value, problems: [] };
}
