import type { ConfigStatus } from '../config/types.js';
import type { Bundle } from './bundle.js';
import { evidenceOf, type Good, type Outcome, type Request, type Starts, type Trial } from './records.js';
import { type TransitionOptions, Transitions } from './transitions.js';
import { minutesLeft, outcomeText, shortOf } from './words.js';

/** So many starts in a row that don't settle are a configuration's fault. */
export const STARTS_MAX = 3;
/** A trial's time is written down so often: a power cut gives back no more. */
const SAVE_MS = 30_000;

export interface KeeperOptions extends TransitionOptions {
  /** The node file as it is on the disk. */
  readonly file: Bundle;
  /** Nobody goes back to a node file that its check refuses. */
  readonly isFileRight: boolean;
  /** Somebody starts this process again whenever it ends, whatever it ended by: then an end before it settled may be the configuration's. */
  readonly isRestarted: boolean;
}

/** What a start runs. */
export interface Choice {
  readonly state: ConfigStatus['state'];
  readonly bundle: Bundle;
  /** Why it is safe mode. */
  readonly why?: string;
}

/** What came of a request. */
export interface Taken {
  readonly ok: boolean;
  readonly text: string;
  /** Something else is to run from now on. */
  readonly isOther: boolean;
}

/**
 * Decides which configuration runs: a trial that has time left, else the last good one, else the node file, else that without its parts. Each
 * step is durable before the next is done, and in an order that a power cut between any two leaves a trial that goes on, or its outcome.
 */
export class Keeper {
  readonly #ends: Transitions;
  #runs: Choice;
  #isFirst = true;
  /** Of the trial that runs. */
  #trialId: string | undefined;
  /** Since when its time isn't in its record, ms of boot time. */
  #spentFromMs = 0;

  constructor(private readonly options: KeeperOptions) {
    this.#ends = new Transitions(options);
    this.#runs = { state: 'file', bundle: options.file };
  }

  /** What this start is to run: counted, on the disk, before anything of it is begun. */
  next(): Choice {
    this.#setDamagedAside();
    this.#ends.finish();
    this.#trialId = undefined;
    this.#runs = this.#startTrial() ?? this.#startKept();
    this.#isFirst = false;
    return this.#runs;
  }

  get runs(): Choice {
    return this.#runs;
  }

  get trial(): Trial | undefined {
    return this.options.state.get('trial');
  }

  /** What runs is on trial, and nothing was decided yet. */
  get isTrying(): boolean {
    return this.#running !== undefined;
  }

  /** The trial, as long as it is what runs. */
  get #running(): Trial | undefined {
    return this.trial?.id === this.#trialId ? this.trial : undefined;
  }

  status(): ConfigStatus {
    const { state, bundle, why } = this.#runs;
    const outcome = this.options.state.get('outcome');
    const trial = this.trial;
    return {
      state,
      sha256: bundle.sha256,
      ...(trial ? { minutesLeft: minutesLeft({ ...trial, spentMs: this.#spentMs(trial) }) } : {}),
      ...(why === undefined ? {} : { why }),
      ...(outcome ? { lastOutcome: { ...pick(outcome), text: outcomeText(outcome) } } : {}),
    };
  }

  /** It has sampled for long enough, or was stopped in order: this start and those before it were no crashes. */
  settled(): void {
    const { state } = this.options;
    const [trial, starts] = [this.#running, state.get('starts')];
    if (trial) this.#saveTrial({ ...trial, starts: 0 });
    else if (starts && starts.crashes > 0) state.tryPut('starts', { ...starts, crashes: 0 });
  }

  /** It was never begun, because another process holds what it needs. */
  notBegun(): void {
    const { state } = this.options;
    const [trial, starts] = [this.#running, state.get('starts')];
    if (trial) this.#saveTrial({ ...trial, starts: Math.max(0, trial.starts - 1) });
    else if (starts) state.tryPut('starts', { ...starts, crashes: Math.max(0, starts.crashes - 1) });
  }

  /** Evidence, for whoever asks why it was left. */
  failed(error: unknown): void {
    const { state } = this.options;
    const [trial, starts] = [this.#running, state.get('starts')];
    if (trial) this.#saveTrial({ ...trial, error: evidenceOf(error) });
    else if (starts) state.tryPut('starts', { ...starts, error: evidenceOf(error) });
  }

  /** Whether a trial's time is over; keeps account of it. */
  isOver(): boolean {
    const trial = this.#running;
    if (!trial) return false;
    const spentMs = this.#spentMs(trial);
    if (spentMs - trial.spentMs >= SAVE_MS) this.#saveTrial(trial);
    return spentMs >= trial.minutes * 60_000;
  }

  /** The trial is the last good configuration from now on. Throws where the disk refuses: then it is a trial as before. */
  confirm(why: Good['why'], by?: string, request?: string): void {
    const { state, now } = this.options;
    const trial = this.trial!;
    const good = state.get('good');
    if (good) state.put('previous', good);
    const { id, bundle } = trial;
    state.put('good', { id, bundle, why, ...(by === undefined ? {} : { by }), at: now() });
    this.#ends.end(trial, { what: 'confirmed', why, by, request }, this.#spentMs(trial));
    this.#runs = { state: 'good', bundle };
  }

  /** The trial is over, and what was before it runs next. */
  revert(why: Outcome['why'], by?: string, request?: string): void {
    this.#ends.end(this.trial!, { what: 'reverted', why, by, request }, this.#spentMs(this.trial!));
  }

  /**
   * Does what was asked for. `problems`: what the check of a configuration found; `ailing`: parts that fail now. Throws where the disk refuses:
   * then nothing is changed.
   */
  take(request: Request, problems: readonly string[] = [], ailing: readonly string[] = []): Taken {
    this.#ends.finish();
    if (this.#isKnown(request)) return { ok: true, text: 'done before', isOther: false };
    if (request.kind === 'apply') return this.#apply(request, problems, ailing);
    if (request.kind === 'confirm') return this.#confirmAsked(request);
    return this.#revertAsked(request);
  }

  #apply(
    request: Extract<Request, { kind: 'apply' }>,
    problems: readonly string[],
    ailing: readonly string[],
  ): Taken {
    const { state, now } = this.options;
    const { id, bundle, minutes, by } = request;
    if (problems.length > 0) {
      const error = evidenceOf(problems.join('\n'));
      this.#ends.tell({ id, sha256: bundle.sha256, what: 'refused', why: 'check', by, evidence: { error } });
      return { ok: false, text: problems.join('\n'), isOther: false };
    }
    const before = this.trial;
    state.put('trial', { id, bundle, minutes, by, began: now(), ailing: [...ailing], starts: 0, spentMs: 0 });
    if (before)
      this.#ends.tell({
        id: before.id,
        sha256: before.bundle.sha256,
        what: 'replaced',
        why: 'replaced',
        by,
        evidence: {},
      });
    const text = `configuration ${shortOf(bundle.sha256)} is on trial for ${minutes} min, by ${by}`;
    this.options.say('warn', text);
    return { ok: true, text, isOther: true };
  }

  #confirmAsked({ id, sha256, by }: Extract<Request, { kind: 'confirm' }>): Taken {
    const { trial } = this;
    if (trial?.bundle.sha256 !== sha256)
      return {
        ok: false,
        text: `configuration ${shortOf(sha256)} is not on trial (any more)`,
        isOther: false,
      };
    this.confirm('technician', by, id);
    return { ok: true, text: outcomeText(this.options.state.get('outcome')!), isOther: false };
  }

  #revertAsked({ id, to, by }: Extract<Request, { kind: 'revert' }>): Taken {
    const { state } = this.options;
    const good = state.get('good');
    const isSafe = state.get('starts')?.safe !== undefined;
    if (!this.trial && !good && !isSafe)
      return { ok: false, text: 'the node file runs: there is nothing to go back to', isOther: false };
    const isTrial = this.trial !== undefined;
    const isToFile = to === 'file' || (!isTrial && !this.#ends.before);
    if (good && isToFile && !this.options.isFileRight)
      return {
        ok: false,
        text: 'the node file is wrong: nothing was changed; see: cairn check',
        isOther: false,
      };
    const isGoodLeft = good !== undefined && (to === 'file' || !isTrial);
    // The last step alone names the request: cut short before it, it is taken again.
    if (isTrial) this.revert('technician', by, isGoodLeft ? undefined : id);
    if (isGoodLeft) {
      if (to === 'file') state.tryDrop('previous');
      this.#ends.stepDown('technician', by, id);
    }
    state.tryDrop('starts');
    const next = state.get('good');
    const text = `${next ? `configuration ${shortOf(next.bundle.sha256)}` : 'the node file'} runs again, by ${by}`;
    this.options.say('warn', text);
    return { ok: true, text, isOther: true };
  }

  #isKnown({ id }: Request): boolean {
    const { state } = this.options;
    const outcome = state.get('outcome');
    return [this.trial?.id, state.get('good')?.id, outcome?.id, outcome?.request].includes(id);
  }

  #startTrial(): Choice | undefined {
    const { state, now } = this.options;
    const { trial } = this;
    if (!trial) return undefined;
    if (trial.spentMs >= trial.minutes * 60_000) return this.#left('expired');
    if (trial.starts >= STARTS_MAX) return this.#left('crashed');
    try {
      state.put('trial', { ...trial, starts: trial.starts + 1 });
    } catch (error) {
      state.tryPut('trial', { ...trial, error: evidenceOf(error) });
      return this.#left('uncounted');
    }
    this.#trialId = trial.id;
    this.#spentFromMs = now().ms;
    return { state: 'trial', bundle: trial.bundle };
  }

  #left(why: Outcome['why']): undefined {
    this.revert(why);
  }

  #startKept(): Choice {
    const { state, file, isFileRight, now } = this.options;
    const good = state.get('good');
    const bundle = good?.bundle ?? file;
    const starts = this.#startsOf(bundle);
    if (starts.crashes >= STARTS_MAX && good && (isFileRight || this.#ends.before)) {
      this.#ends.stepDown('crashed', undefined, undefined, starts.error);
      return this.#startKept();
    }
    if (starts.crashes >= STARTS_MAX && starts.safe === undefined) {
      const why = `${STARTS_MAX} starts of ${bundle.main} in a row ended before they settled`;
      const safe = starts.error === undefined ? why : `${why}; last error: ${starts.error}`;
      state.tryPut('starts', { ...starts, safe: evidenceOf(safe) });
      this.options.say('error', `safe mode, without parts: ${safe}`);
      return { state: 'safe', bundle, why: safe };
    }
    if (starts.safe !== undefined) return { state: 'safe', bundle, why: starts.safe };
    state.tryPut('starts', { ...starts, crashes: starts.crashes + 1, bootId: now().bootId });
    return { state: good ? 'good' : 'file', bundle };
  }

  /** What a power cut or a reset ended is not counted, nor what ended while nobody started it again by himself. */
  #startsOf({ sha256 }: Bundle): Starts {
    const { state, now, isRestarted } = this.options;
    const starts = state.get('starts');
    const { bootId } = now();
    if (!starts || starts.of !== sha256) return { of: sha256, crashes: 0, bootId };
    if (this.#isFirst && !isRestarted) return { ...starts, crashes: 0 };
    return starts.bootId === bootId ? starts : { ...starts, crashes: Math.max(0, starts.crashes - 1) };
  }

  #setDamagedAside(): void {
    const { state, say } = this.options;
    for (const [name, why] of Object.entries(state.takeDamaged())) {
      say('warn', `${name}.json of the state folder can't be read, and is set aside: ${why}`);
      if (name === 'good') this.#ends.stepDown('damaged');
      if (name === 'trial')
        this.#ends.tell({ id: '0', sha256: '', what: 'reverted', why: 'damaged', evidence: {} });
    }
  }

  #saveTrial(trial: Trial): void {
    const spentMs = this.#spentMs(trial);
    this.#spentFromMs = this.options.now().ms;
    this.options.state.tryPut('trial', { ...trial, spentMs });
  }

  #spentMs(trial: Trial): number {
    if (trial.id !== this.#trialId) return trial.spentMs;
    return trial.spentMs + Math.max(0, Math.floor(this.options.now().ms - this.#spentFromMs));
  }
}

function pick({ what, why, sha256 }: Outcome): Pick<Outcome, 'what' | 'why' | 'sha256'> {
  return { what, why, sha256 };
}
