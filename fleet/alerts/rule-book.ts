import type { Database, Queries, Within } from '../db/index.js';
import { DEFAULT_RULES, isHappening, parseRule, type Rule, RuleError, type RuleSpec } from './rule.js';

const MAX_RULES = 500;

/** Rules in the database, each parsed once. */
export class RuleBook {
  /** Undefined: this version can't read it. */
  readonly #parsed = new Map<bigint, Rule | undefined>();

  constructor(
    readonly db: Database,
    private readonly onFault: (text: string) => void,
  ) {}

  /** Those in force, oldest first. */
  async inForce(on: Queries): Promise<readonly Rule[]> {
    const rows = await on.query<{ id: bigint }>('SELECT id FROM rule WHERE retired_ms IS NULL ORDER BY id');
    return this.byId(
      on,
      rows.map(({ id }) => id),
    );
  }

  /** Retired ones too. */
  async byId(on: Queries, ids: readonly bigint[]): Promise<readonly Rule[]> {
    for (const id of ids) if (!this.#parsed.has(id)) await this.#load(on, id);
    return ids.flatMap((id) => this.#parsed.get(id) ?? []);
  }

  async #load(on: Queries, id: bigint): Promise<void> {
    const [row] = await on.query<{ spec: string }>('SELECT spec FROM rule WHERE id = $1', [id]);
    if (!row) return;
    // Rules that somebody changed are few; nothing is lost by reading them again.
    if (this.#parsed.size >= 2 * MAX_RULES) this.#parsed.clear();
    this.#parsed.set(id, this.#read(id, row.spec));
  }

  /** One that can't be read must not keep the others from judging, nor the store from taking. */
  #read(id: bigint, text: string): Rule | undefined {
    try {
      return { id, spec: parseRule(JSON.parse(text)) };
    } catch (error) {
      this.onFault(`rule ${id} is not followed, this version can't read it: ${(error as Error).message}`);
      return undefined;
    }
  }

  /** The default rules, where there never was any. */
  async seed(nowMs: number): Promise<void> {
    await this.db.transaction(async (tx) => {
      if (tx.dialect === 'postgres') await tx.query('LOCK TABLE rule IN EXCLUSIVE MODE');
      const [any] = await tx.query('SELECT id FROM rule LIMIT 1');
      if (!any) for (const rule of DEFAULT_RULES) await add(tx, parseRule(rule), 'cairn', nowMs);
    });
  }

  /** A new rule, from now on; or another in the place of `replaced`, whose open alerts end, but for happenings. `within` runs in the same transaction. Throws RuleError. */
  async put(
    json: unknown,
    by: string,
    nowMs: number,
    replaced?: bigint,
    within?: (tx: Queries, id: bigint) => Promise<void>,
  ): Promise<bigint> {
    const spec = parseRule(json);
    return this.db.transaction(async (tx) => {
      if (replaced !== undefined && !(await retired(tx, replaced, nowMs)))
        throw new RuleError(
          `rule ${replaced} is not in force: somebody else changed it; load the page again`,
        );
      const [row] = await tx.query<{ n: bigint }>('SELECT count(*) AS n FROM rule WHERE retired_ms IS NULL');
      if (row!.n >= MAX_RULES) throw new RuleError(`there are ${MAX_RULES} rules; retire one first`);
      const id = await add(tx, spec, by, nowMs);
      await within?.(tx, id);
      return id;
    });
  }

  /** False: it wasn't in force. `within` runs in the same transaction, where it was. */
  retire(id: bigint, nowMs: number, within?: Within): Promise<boolean> {
    return this.db.transaction(async (tx) => {
      const isDone = await retired(tx, id, nowMs);
      if (isDone) await within?.(tx);
      return isDone;
    });
  }
}

async function add(tx: Queries, spec: RuleSpec, by: string, nowMs: number): Promise<bigint> {
  const [row] = await tx.query<{ id: bigint }>(
    'INSERT INTO rule (spec, since_ms, changed_by) VALUES ($1, $2, $3) RETURNING id',
    [JSON.stringify(spec), BigInt(nowMs), by],
  );
  return row!.id;
}

async function retired(tx: Queries, id: bigint, nowMs: number): Promise<boolean> {
  const [done] = await tx.query<{ spec: string }>(
    'UPDATE rule SET retired_ms = $2 WHERE id = $1 AND retired_ms IS NULL RETURNING spec',
    [id, BigInt(nowMs)],
  );
  if (!done) return false;
  await tx.query('DELETE FROM track WHERE rule_id = $1', [id]);
  // Rows that were judged are not judged again: an alarm that nobody has seen yet would be gone.
  const { condition } = JSON.parse(done.spec) as Partial<RuleSpec>;
  if (condition && isHappening({ condition })) return true;
  await tx.query(
    `UPDATE alert SET state = 'closed', closed_ms = $2, closed_why = 'rule', next_step_ms = NULL
     WHERE rule_id = $1 AND state = 'open'`,
    [id, BigInt(nowMs)],
  );
  return true;
}
