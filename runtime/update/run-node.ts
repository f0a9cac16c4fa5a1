import { existsSync, readFileSync } from 'node:fs';
import { kernelBootId, systemClock } from '../clock/index.js';
import type { NodeConfig } from '../config/index.js';
import { ask, ControlError } from '../control.js';
import { ControlServer } from '../control-server.js';
import { lastEnd, type Service } from '../health/index.js';
import { createLog } from '../log.js';
import { openNode, type RunningNode, serviceHere } from '../node.js';
import { removeDrafts, textFiles } from '../text-files.js';
import { type Bundle, loadBundle } from './bundle.js';
import { checkHere } from './check.js';
import { makeInbox, takeRequest } from './inbox.js';
import { Journal } from './journal.js';
import { type Choice, Keeper, type Taken } from './keeper.js';
import type { Places } from './places.js';
import { ailingParts } from './proof.js';
import { type AnyRequest, evidenceOf, type WipeRequest } from './records.js';
import { type ConfigReport, nextFromFiles, reportOf } from './report.js';
import { Runner } from './runner.js';
import { State } from './state-files.js';
import { beginWipe, finishWipe } from './wipe.js';

export interface RunNodeOptions {
  /** The node file as it was read. */
  readonly file: Bundle;
  readonly isFileRight: boolean;
  readonly places: Places;
  /** Before a configuration is opened; throws what makes that impossible. */
  readonly prepare: (config: NodeConfig) => void;
  readonly stopAsked: Promise<string>;
}

/** A configuration that its check refuses; a line a problem. */
export class RefusedError extends Error {
  override readonly name = 'RefusedError';
}

/** Another process runs this node already. */
export class RunsAlreadyError extends Error {
  override readonly name = 'RunsAlreadyError';
}

/**
 * Runs the node: whichever configuration is to run, until the process is asked to stop; then the reason. Rejects with RunsAlreadyError, with
 * HangError, and with what keeps the node file itself from being started.
 */
export async function runNode(options: RunNodeOptions): Promise<string> {
  await refuseSecond(options.places.socket);
  return new NodeProcess(options).run();
}

async function refuseSecond(socket: string): Promise<void> {
  if (!existsSync(socket)) return;
  const answer = await ask(socket, 'config').catch((error: unknown) => {
    if (error instanceof ControlError) return error;
    throw error;
  });
  if (answer === undefined) return;
  throw new RunsAlreadyError(
    `${socket}: another process runs this node and its store already; stop it first`,
  );
}

/** Why a process ends whose node is wiped with all that it is. */
const GONE = 'this node is wiped';

/** One process of a node: what outlives each configuration that it runs. */
class NodeProcess {
  readonly #clock = systemClock();
  readonly #journal: Journal;
  readonly #state: State;
  readonly #keeper: Keeper;
  readonly #lastEnd: string | undefined;
  readonly #service: Service | undefined;
  readonly #control: ControlServer;
  readonly #runner: Runner;
  #taken: ConfigReport['taken'];
  /** All is to be wiped: what this process knows of the node is void then, and it ends. */
  #endForGood: (why: string) => void = () => undefined;
  readonly #goneAsked = new Promise<string>((resolve) => {
    this.#endForGood = resolve;
  });

  constructor(private readonly options: RunNodeOptions) {
    const { file, isFileRight, places, stopAsked } = options;
    const clock = this.#clock;
    this.#journal = new Journal(createLog('info', () => clock.nowNs()).log);
    const { say } = this.#journal;
    this.#lastEnd = lastEnd(process.env.RUNTIME_DIRECTORY, readIfThere);
    if (this.#lastEnd) say('warn', 'service', `the last run ended by ${this.#lastEnd}`);
    this.#service = serviceHere((level, text) => say(level, 'service', text));
    this.#state = new State(textFiles(places.state), (text) => say('warn', 'config', text));
    this.#keeper = new Keeper({
      ...{ file, isFileRight, lastEnd: this.#lastEnd, isRestarted: this.#service !== undefined },
      state: this.#state,
      now: () => ({ bootId: kernelBootId(), ms: Number(clock.nowNs() / 1_000_000n) }),
      say: (level, text) => say(level, 'config', text),
    });
    this.#control = new ControlServer({
      path: places.socket,
      answer: (command) => this.#answer(command),
      log: (level, text) => say(level, 'control', text),
    });
    this.#runner = new Runner({
      ...{
        keeper: this.#keeper,
        clock,
        journal: this.#journal,
        stopAsked: Promise.race([stopAsked, this.#goneAsked]).then((why) => this.#stopping(why)),
      },
      open: (choice) => this.#open(choice),
      takeRequests: (node) => this.#takeRequests(node),
      onAgain: (why) => this.#service?.again(why),
    });
  }

  async run(): Promise<string> {
    const crashed = (error: Error) => this.#keeper.failed(error);
    process.on('uncaughtExceptionMonitor', crashed);
    await this.#listen();
    this.#takeRequests(undefined);
    try {
      const why = this.#isGoing ? GONE : await this.#runner.run();
      this.#finishWipe();
      return why;
    } catch (error) {
      this.#service?.stopping('it could not start');
      throw error;
    } finally {
      this.#journal.giveUp();
      process.off('uncaughtExceptionMonitor', crashed);
      await this.#control.stop();
    }
  }

  /** All that makes it this node is to be wiped. */
  get #isGoing(): boolean {
    const wipe = this.#state.get('wipe');
    return wipe?.what === 'all' && !wipe.isDone;
  }

  #finishWipe(): void {
    const say = (text: string) => this.#journal.say('warn', 'config', text);
    const wipe = finishWipe(this.#state, this.options.places, say);
    if (wipe) say(`wiped (${wipe.what}), by ${wipe.by}: what was not received is lost`);
  }

  #stopping(why: string): string {
    this.#service?.stopping(why);
    return why;
  }

  /** A disk that refuses a socket holds nothing up: then requests are taken at the next look. */
  async #listen(): Promise<void> {
    const { state, inbox } = this.options.places;
    try {
      textFiles(state).make();
      removeDrafts(state);
      await this.#control.start();
      makeInbox(inbox);
    } catch (error) {
      this.#journal.say(
        'warn',
        'config',
        `nobody can apply a configuration now: ${(error as Error).message}`,
      );
    }
  }

  #answer(command: string): unknown {
    if (command !== 'config') throw new Error('no such request');
    this.#runner.look();
    return reportOf(this.#keeper, this.options.file, this.#taken);
  }

  async #open(choice: Choice) {
    this.#finishWipe();
    const checked = rightOf(choice.bundle);
    const config = choice.state === 'safe' ? withoutParts(checked.config) : checked.config;
    for (const warning of checked.warnings) this.#journal.say('warn', 'config', warning);
    this.options.prepare(config);
    return openNode(config, {
      ...{ service: this.#service, lastEnd: this.#lastEnd },
      configStatus: () => this.#keeper.status(),
    });
  }

  /** Whether something else is to run. */
  #takeRequests(node: RunningNode | undefined): boolean {
    let isOther = false;
    try {
      takeRequest(this.options.places.inbox, (request) => {
        const taken = this.#take(request, node ? ailingParts(node.status()) : []);
        this.#taken = { ...taken, id: request.id };
        isOther = taken.isOther;
      });
    } catch (error) {
      this.#journal.say('warn', 'config', `a request can't be taken: ${(error as Error).message}`);
    }
    return isOther;
  }

  #take(request: AnyRequest, ailing: readonly string[]): Taken {
    try {
      if (request.kind === 'wipe') return this.#takeWipe(request);
      return this.#keeper.take(request, request.kind === 'apply' ? problemsOf(request.bundle) : [], ailing);
    } catch (error) {
      const text = `nothing was changed: ${evidenceOf(error)}`;
      this.#journal.say('error', 'config', text);
      return { ok: false, text, isOther: false };
    }
  }

  #takeWipe(request: WipeRequest): Taken {
    const { places, file } = this.options;
    if (this.#state.get('wipe')?.id === request.id) return { ok: true, text: 'done before', isOther: false };
    beginWipe(this.#state, request, rightOf(nextFromFiles(this.#state, file).bundle).config, places);
    this.#journal.say(
      'warn',
      'config',
      `the ${request.what === 'all' ? 'node' : 'store'} is wiped, by ${request.by}`,
    );
    if (request.what === 'all') this.#endForGood(GONE);
    return {
      ok: true,
      text: 'begun: the node ends, and what was asked for goes',
      isOther: request.what === 'store',
    };
  }
}

function rightOf(bundle: Bundle) {
  const checked = checkHere(bundle.main, loadBundle(bundle));
  if (!checked.ok) throw new RefusedError(checked.problems.join('\n'));
  return checked;
}

function problemsOf(bundle: Bundle): readonly string[] {
  const checked = checkHere(bundle.main, loadBundle(bundle));
  return checked.ok ? [] : checked.problems;
}

/** What can be asked and told, and does nothing else. */
function withoutParts({ fusion: _, ...config }: NodeConfig): NodeConfig {
  return { ...config, parts: [] };
}

function readIfThere(path: string): string | undefined {
  return existsSync(path) ? readFileSync(path, 'utf8') : undefined;
}
