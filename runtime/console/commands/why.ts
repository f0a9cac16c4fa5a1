import { toJson } from '../../control.js';
import { type Cause, why as causesOf, type Facts, type Finding } from '../../health/index.js';
import { CONFIG_OPTION, type Command, EXIT, type Invocation, noteFound } from '../command.js';
import { configPath } from '../files.js';
import { agoText, wrapped } from '../text.js';
import { type AlarmTold, alarmLines, alarmsOf } from '../why/alarm.js';
import { gatherFacts } from '../why/gather.js';

/** What an alarm needs beside its part. */
const WAY_OUT = ['store', 'uplink'];

export const why: Command = {
  name: 'why',
  topic: 'look',
  summary:
    'what is not right, the deepest cause first: what, since when, what shows it, what it breaks, what to do',
  usage: '[part | alarm | uplink | store | time | machine] [--quick] [--config FILE]',
  examples: ['cairn why', 'cairn why climate', 'cairn why sos', 'cairn why uplink --json'],
  options: { ...CONFIG_OPTION, quick: { type: 'boolean' } },
  role: 'viewer',
  onConsole: true,
  async run(call) {
    const { terminal, json, positionals } = call;
    const facts = await gatherFacts({
      configPath: configPath(call),
      looksFurther: call.options.quick !== true,
      onLook: (parts) => {
        if (terminal.interactive)
          terminal.err(`looking further for ${parts.join(', ')}: up to half a minute …`);
      },
      warn: (text) => terminal.err(text),
      signal: call.signal,
    });
    const [about] = positionals;
    const all = causesOf(facts);
    noteFound(call, facts.nowNs, all);
    const alarms = about === undefined ? [] : alarmsOf(facts, about);
    const of = alarms.length > 0 ? [about, ...WAY_OUT] : [about];
    const causes = all.filter((cause) => of.some((one) => one === undefined || concerns(cause, one)));
    for (const alarm of alarms) tellAlarm(call, alarm, facts);
    if (json) for (const cause of causes) terminal.out(toJson(cause));
    else for (const line of textOf(causes, facts, terminal.columns)) terminal.out(line);
    return causes.length > 0 ? EXIT.failed : EXIT.ok;
  },
};

function tellAlarm({ terminal, json }: Invocation, alarm: AlarmTold, { nowNs }: Facts): void {
  if (json) terminal.out(toJson({ alarm }));
  else
    for (const line of alarmLines(alarm, nowNs))
      for (const row of wrapped(line, terminal.columns, 4)) terminal.out(row);
}

function concerns(cause: Cause, about: string): boolean {
  const of = (finding: Finding) =>
    finding.about.split(', ').includes(about) || finding.kind.startsWith(`${about}.`);
  return of(cause) || cause.breaks.some(of);
}

function textOf(causes: readonly Cause[], facts: Facts, columns: number): readonly string[] {
  if (causes.length === 0) return [wellText(facts)];
  return causes.flatMap((cause, i) => {
    const since =
      cause.sinceNs === undefined ? [] : [['since', agoText(facts.nowNs - cause.sinceNs)] as const];
    const facets = [
      ...since,
      ...cause.evidence.map((text) => ['seen', text] as const),
      ...cause.breaks.map(({ what }) => ['breaks', what] as const),
      ['do', cause.todo] as const,
    ];
    return [
      ...wrapped(`${i + 1}. ${cause.what}`, columns, 3),
      ...facets.flatMap(([name, text]) => wrapped(`   ${`${name}:`.padEnd(8)}${text}`, columns, 11)),
    ];
  });
}

function wellText({ node }: Facts): string {
  const parts = `${node?.parts.length ?? 0} parts`;
  return `Nothing is wrong: ${parts}, store${node?.uplink ? ' and uplink' : ''} are as they should be.`;
}
