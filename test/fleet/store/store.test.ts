import { onBothDatabases } from '../db/databases.js';
import { ledgerSuite } from './ledger.js';
import { takeSuite } from './take.js';
import { timesSuite } from './times.js';

/** One server of PostgreSQL for all: it takes seconds to make one. */
onBothDatabases('the store', (fresh, dialect) => {
  takeSuite(fresh);
  timesSuite(fresh);
  ledgerSuite(fresh, dialect === 'sqlite' ? 100 : 20);
});
