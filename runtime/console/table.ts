import { version } from '../package.js';
import { type Calling, type Command, EXIT, type ExitCode, type Terminal, TOPICS } from './command.js';
import { answer } from './commands/answer.js';
import { calibrate } from './commands/calibrate.js';
import { calibrations } from './commands/calibrations.js';
import { check } from './commands/check.js';
import { configDiff, configShow } from './commands/config.js';
import { configApply, configConfirm, configRevert } from './commands/config-change.js';
import { consoleCommand } from './commands/console.js';
import { decode } from './commands/decode.js';
import { dump } from './commands/dump.js';
import { gpio, gpioWatch } from './commands/gpio.js';
import { grantMake, grantRevoke } from './commands/grant.js';
import { grants, grantsAccept } from './commands/grants.js';
import { i2cDump } from './commands/i2c-dump.js';
import { identify } from './commands/identify.js';
import { init } from './commands/init.js';
import { journal } from './commands/journal.js';
import { log } from './commands/log.js';
import { parts } from './commands/parts.js';
import { read } from './commands/read.js';
import { reboot } from './commands/reboot.js';
import { report } from './commands/report.js';
import { run } from './commands/run.js';
import { scan } from './commands/scan.js';
import { selftest } from './commands/selftest.js';
import { serialSniff } from './commands/serial-sniff.js';
import { shell } from './commands/shell.js';
import { status } from './commands/status.js';
import { storeStatus, storeVerify } from './commands/store.js';
import { storeDead } from './commands/store-dead.js';
import { storeExport } from './commands/store-export.js';
import { supportBundle } from './commands/support-bundle.js';
import { time, timeSet } from './commands/time.js';
import { uplink } from './commands/uplink.js';
import { uplinkTest } from './commands/uplink-test.js';
import { watch } from './commands/watch.js';
import { why } from './commands/why.js';
import { wipe } from './commands/wipe.js';
import { commandOf, runOne } from './run-command.js';

/** Every command there is: the local `cairn` and the console on the serial line run from this one table. */
export const COMMANDS: readonly Command[] = [
  init,
  run,
  status,
  why,
  parts,
  read,
  uplink,
  uplinkTest,
  time,
  timeSet,
  watch,
  calibrate,
  calibrations,
  log,
  scan,
  i2cDump,
  serialSniff,
  gpio,
  gpioWatch,
  identify,
  selftest,
  storeStatus,
  storeVerify,
  storeExport,
  storeDead,
  check,
  configShow,
  configDiff,
  configApply,
  configConfirm,
  configRevert,
  supportBundle,
  reboot(),
  wipe,
  dump,
  decode,
  answer,
  consoleCommand(async () => COMMANDS),
  grantMake,
  grantRevoke,
  grants,
  grantsAccept,
  journal,
  shell,
  report,
];

/** Runs one command line and says how it ended. */
export async function runCommand(words: readonly string[], calling: Calling): Promise<ExitCode> {
  const { terminal } = calling;
  if (words[0] === '--version') {
    terminal.out(version());
    return EXIT.ok;
  }
  const command = commandOf(COMMANDS, words);
  if (!command) return unknown(words, terminal);
  return runOne(command, words, calling);
}

function unknown(words: readonly string[], terminal: Terminal): ExitCode {
  const asked = words.length === 0 || words[0] === '--help' || words[0] === '-h' || words[0] === 'help';
  const say = asked ? terminal.out : terminal.err;
  if (!asked) say(`cairn: no command '${words.join(' ')}'\n`);
  say('cairn: the runtime of a mesh node. No acknowledged reading is lost, every loss is accounted for.\n');
  for (const topic of TOPICS) {
    say(`${topic}:`);
    for (const command of COMMANDS)
      if (command.topic === topic) say(`  cairn ${command.name.padEnd(14)} ${command.summary}`);
  }
  say('\n  --json gives every answer as JSON; cairn <command> --help shows examples; --version');
  return asked ? EXIT.ok : EXIT.usage;
}
