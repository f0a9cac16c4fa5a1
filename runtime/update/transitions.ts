import type { Good, Moment, Outcome, Trial } from './records.js';
import type { State } from './state-files.js';
import { outcomeText } from './words.js';

export type Say = (level: 'info' | 'warn' | 'error', text: string) => void;

export interface TransitionOptions {
  readonly state: State;
  readonly now: () => Moment;
  /** How the last process ended, in the service manager's words. */
  readonly lastEnd: string | undefined;
  readonly say: Say;
}

/** An outcome as it comes about. */
export interface Told {
  readonly id: string;
  readonly sha256: string;
  readonly what: Outcome['what'];
  readonly why: Outcome['why'];
  readonly by?: string | undefined;
  readonly request?: string | undefined;
  /** Default: the last good one, else the node file. */
  readonly next?: string;
  readonly evidence: { readonly [K in keyof Outcome['evidence']]: Outcome['evidence'][K] | undefined };
}

/**
 * How a configuration comes to its end: each step is durable before the next is done, in an order that a power cut between any two can be
 * finished from (`finish`).
 */
export class Transitions {
  constructor(private readonly options: TransitionOptions) {}

  /** The good one before the last: a power cut while one was confirmed may have left the same twice. */
  get before(): Good | undefined {
    const { state } = this.options;
    const previous = state.get('previous');
    return previous?.id === state.get('good')?.id ? undefined : previous;
  }

  /** The last good configuration is left: for the one before it, else for the node file. */
  stepDown(why: Outcome['why'], by?: string, request?: string, error?: string): void {
    const { state, lastEnd } = this.options;
    const good = state.get('good');
    const next = this.before;
    this.tell({
      ...{ id: good?.id ?? '0', sha256: good?.bundle.sha256 ?? '', what: 'reverted', why, by, request },
      next: next?.bundle.sha256 ?? '',
      evidence: why === 'crashed' ? { error, end: lastEnd } : {},
    });
    this.dropGood();
  }

  dropGood(): void {
    const { state } = this.options;
    const next = this.before;
    if (next) state.tryPut('good', next);
    else state.tryDrop('good');
    state.tryDrop('previous');
  }

  /** The outcome is on the disk before the trial goes. */
  end(trial: Trial, how: Pick<Told, 'what' | 'why' | 'by' | 'request'>, spentMs = trial.spentMs): void {
    const { state, lastEnd } = this.options;
    const { id, bundle, minutes, error } = trial;
    const isFault = how.why === 'crashed' || how.why === 'expired' || how.why === 'uncounted';
    const blame = isFault ? { error, end: how.why === 'crashed' ? lastEnd : undefined } : {};
    this.tell({ id, sha256: bundle.sha256, ...how, evidence: { ...blame, spentMs, minutes } });
    state.tryDrop('trial');
  }

  tell({ by, request, evidence, next, ...rest }: Told): void {
    const { state, now, say } = this.options;
    const outcome: Outcome = {
      ...{ ...rest, next: next ?? state.get('good')?.bundle.sha256 ?? '', at: now() },
      ...(by === undefined ? {} : { by }),
      ...(request === undefined ? {} : { request }),
      evidence: Object.fromEntries(Object.entries(evidence).filter(([, value]) => value !== undefined)),
    };
    state.tryPut('outcome', outcome);
    say(rest.what === 'confirmed' ? 'info' : 'warn', outcomeText(outcome));
  }

  /** What a power cut left half done: a trial that is good already, or what is told to have been left. */
  finish(): void {
    const { state } = this.options;
    const [trial, good, outcome] = [state.get('trial'), state.get('good'), state.get('outcome')];
    if (good && outcome?.id === good.id && outcome.what === 'reverted') this.dropGood();
    if (trial && good?.id === trial.id) this.end(trial, { what: 'confirmed', why: good.why, by: good.by });
    else if (trial && outcome?.id === trial.id) state.tryDrop('trial');
  }
}
