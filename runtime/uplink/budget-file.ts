import { readFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import type { BudgetFile } from './budgets.js';

/** A small file that is replaced whole: a cut leaves the old one or the new one. */
export function budgetFile(path: string): BudgetFile {
  return {
    read: () => {
      try {
        return readFileSync(path, 'utf8');
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
        throw error;
      }
    },
    write: async (text) => {
      const file = await open(`${path}.new`, 'w', 0o600);
      try {
        await file.writeFile(text);
        await file.datasync();
      } finally {
        await file.close();
      }
      await rename(`${path}.new`, path);
    },
  };
}
