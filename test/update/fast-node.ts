import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ask } from '../../runtime/control.js';
import { type ConfigReport, placesOf, readBundle } from '../../runtime/update/index.js';
import { MAIN, TestNode } from '../acceptance/harness.js';

/** Boot time goes so much faster: a trial of a minute takes three seconds. */
export const SPEED = 20;

/**
 * Loaded before the node: the machine's boot time runs fast, and a node whose store is named `bad-…` does what its name says as soon as its
 * socket would be opened. A file `crash` in the test's folder makes every node crash. All this lies outside of the product's files.
 */
const BEFORE = `
const { existsSync } = require('node:fs');
const { Server } = require('node:net');
const load = require('node:module')._extensions['.node'];
require('node:module')._extensions['.node'] = (module, path) => {
  load(module, path);
  const real = module.exports.bootTimeNs;
  if (real) module.exports.bootTimeNs = () => real() * ${SPEED}n;
};
const crash = () => { throw new Error('planted: it crashes'); };
const acts = {
  open: crash,
  soon: () => void setTimeout(crash, 200),
  exit: () => void setTimeout(() => process.exit(9), 100),
  abort: () => void setTimeout(() => process.abort(), 100),
  kill: () => void setTimeout(() => process.kill(process.pid, 'SIGKILL'), 300),
  hang: () => void setTimeout(() => { for (;;); }, 200),
};
const listen = Server.prototype.listen;
Server.prototype.listen = function (path, ...rest) {
  const isNode = String(path).endsWith('.sock') && !String(path).endsWith('run.sock');
  const act = /bad-(\\w+)\\.sock$/.exec(String(path))?.[1];
  if (isNode && existsSync('FOLDER/crash')) acts.soon();
  // Its callback never comes: the start never ends.
  if (act === 'never') return this;
  if (act !== undefined) acts[act]();
  return listen.call(this, path, ...rest);
};
`;

/** A node as its user runs it, whose boot time runs fast. */
export class FastNode extends TestNode {
  constructor(yaml: string) {
    super(yaml);
    writeFileSync(this.#before, BEFORE.replaceAll('FOLDER', this.folder));
  }

  get #before(): string {
    return join(this.folder, 'before.cjs');
  }

  get places() {
    return placesOf(readBundle(this.configFile).bundle);
  }

  begin(environment: Readonly<Record<string, string>> = {}): void {
    this.start(['--require', this.#before, MAIN, 'run', '--config', this.configFile], environment);
  }

  /** As the process says it that runs the node; undefined while none answers. */
  async report(deadlineMs = 1_000): Promise<ConfigReport | undefined> {
    return (await ask(this.places.socket, 'config', { deadlineMs }).catch(() => undefined)) as
      | ConfigReport
      | undefined;
  }

  /** Starts the process again whenever it has ended, as a service manager does, until it holds. */
  async untilReport(
    what: string,
    holds: (report: ConfigReport) => boolean,
    options: {
      readonly killHungAfterMs?: number;
      readonly environment?: Readonly<Record<string, string>>;
    } = {},
  ): Promise<ConfigReport> {
    const end = Date.now() + 120_000;
    let answeredAt = Date.now();
    for (;;) {
      if (!this.running) this.begin(options.environment);
      const report = await this.report();
      if (report && holds(report)) return report;
      if (report) answeredAt = Date.now();
      // As its watchdog would.
      else if (Date.now() - answeredAt > (options.killHungAfterMs ?? 4_000)) {
        await this.stop('SIGKILL');
        answeredAt = Date.now();
      }
      if (Date.now() > end)
        throw new Error(`not in time: ${what}\n${JSON.stringify(report)}\n${this.log.slice(-3000)}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}
