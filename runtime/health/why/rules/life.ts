import type { Rule } from '../facts.js';

/** A clock is set by the network or a satellite within minutes, where there is one. */
const UNSET_NS = 600_000_000_000n;
const CRASHES = 3;

export const config: Rule = ({ life, node }) => {
  const [first, ...more] = life.problems;
  if (first === undefined) return [];
  return [
    {
      kind: 'config.wrong',
      about: 'node',
      what: node
        ? 'the node file is wrong: the node runs with what it had, and won’t start with this'
        : 'the node file is wrong: the node can’t start',
      evidence: [first, ...more.slice(0, 3)],
      todo: 'mend the lines; cairn check says when it is right',
    },
  ];
};

export const crashes: Rule = ({ life }) => {
  const isSafe = life.config?.state === 'safe';
  if (!isSafe && life.failedStarts < CRASHES) return [];
  return [
    {
      kind: 'config.crashes',
      about: 'node',
      what: isSafe
        ? 'safe mode: no part is read, because the node crashed with each configuration it has'
        : `the node crashes as it starts: ${life.failedStarts} times in a row`,
      evidence: [
        ...(life.lastEnd ? [`the last run ended by ${life.lastEnd}`] : []),
        (isSafe && life.config?.why) || `${life.failedStarts} starts failed in a row`,
      ],
      todo: 'cairn dump shows its last seconds; cairn config show, and apply one that is known to work',
    },
  ];
};

/** What somebody took back by hand is no trouble. */
export const reverted: Rule = ({ life: { config: running } }) => {
  const outcome = running?.lastOutcome;
  if (outcome?.what !== 'reverted' || outcome.why === 'technician' || running?.state === 'trial') return [];
  return [
    {
      kind: 'config.reverted',
      about: 'node',
      what: `the configuration that was tried last was taken back: ${outcome.why}`,
      evidence: [outcome.text],
      todo: 'mend it and apply it again, or leave it: the one before runs',
    },
  ];
};

export const process: Rule = ({ node, life }) => {
  if (!node) {
    return [
      {
        kind: 'process.absent',
        about: 'node',
        what: 'the node doesn’t run: nothing is read, kept or sent',
        evidence: [life.lastEnd ? `the last run ended by ${life.lastEnd}` : 'nobody answers on its socket'],
        todo: 'systemctl status cairn; cairn dump shows the last minutes of a run that crashed',
        dueTo: ['config.wrong', 'config.crashes', 'disk.readOnly', 'disk.full'],
      },
    ];
  }
  if (!life.lastEnd) return [];
  const isWatchdog = life.lastEnd.startsWith('watchdog');
  return [
    {
      kind: isWatchdog ? 'process.watchdog' : 'process.ended',
      about: 'node',
      what: isWatchdog
        ? 'the node hung and was started anew by its watchdog'
        : `the last run did not end in order: ${life.lastEnd}`,
      evidence: [`the last run ended by ${life.lastEnd}`],
      todo: 'cairn dump shows its last minutes; send it in: it replays in the simulation',
      dueTo: ['config.crashes', 'machine.memory'],
    },
  ];
};

export const watchdog: Rule = ({ machine }) =>
  machine.wasReset
    ? [
        {
          kind: 'process.watchdog',
          about: 'machine',
          what: 'the machine hung and was reset by its hardware watchdog',
          evidence: ['the watchdog’s boot status says so (WDIOF_CARDRESET)'],
          todo: 'cairn dump shows what the node saw last; look at supply and heat',
          dueTo: ['machine.underVoltage', 'machine.hot'],
        },
      ]
    : [];

export const time: Rule = ({ node, nowNs }) =>
  node && node.time.wallNs === undefined && nowNs > UNSET_NS
    ? [
        {
          kind: 'time.unset',
          about: 'time',
          what: 'the clock is not set: rows carry boot time, and are repaired once it is known',
          evidence: ['no time from the network and none from a satellite since the boot'],
          todo: 'give it a network or a view of the sky; or set it by hand: cairn time set',
          dueTo: ['network.down', 'gnss.antenna'],
        },
      ]
    : [];
