import { onBothDatabases } from '../db/databases.js';
import { boundsSuite } from './bounds.js';
import { healthSuite } from './health.js';
import { ledgerSuite } from './ledger.js';
import { plansSuite } from './plans.js';
import { retentionSuite } from './retention.js';
import { sharedSuite } from './shared.js';
import { stepsSuite } from './steps.js';
import { takeSuite } from './take.js';
import { timesSuite } from './times.js';

/** One server of PostgreSQL for all: it takes seconds to make one. */
onBothDatabases('the store', (fresh, dialect) => {
  takeSuite(fresh);
  sharedSuite(fresh);
  retentionSuite(fresh);
  plansSuite(fresh);
  timesSuite(fresh);
  stepsSuite(fresh, dialect === 'sqlite' ? 60 : 15);
  healthSuite(fresh);
  boundsSuite(fresh, dialect === 'sqlite' ? 40 : 15);
  ledgerSuite(fresh, dialect === 'sqlite' ? 60 : 15);
});
