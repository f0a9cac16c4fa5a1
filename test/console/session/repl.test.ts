import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Caller, Command, Terminal } from '../../../runtime/console/command.js';
import { type CommandRecord, Repl, Session } from '../../../runtime/console/session/index.js';
import { SimClock } from '../../support/sim-clock.js';
import { TestLine } from './wire.js';

const TECHNICIAN: Caller = { role: 'technician', name: 'Ada' };

function command(name: string, run: Command['run'], change: Partial<Command> = {}): Command {
  return {
    ...{ name, run, summary: `what ${name} does`, usage: '<part>', examples: [`cairn ${name} climate`] },
    ...{ topic: 'look', options: {}, role: 'viewer', onConsole: true, ...change },
  };
}

/** A session over a table of commands; `type` lets a second go by, `told` is what was said since. */
function open(
  commands: readonly Command[],
  change: { readonly caller?: Caller; readonly speed?: number } = {},
) {
  const clock = new SimClock();
  const line = new TestLine(change.speed ?? Number.POSITIVE_INFINITY, clock);
  const session = new Session({ line, clock });
  const records: CommandRecord[] = [];
  const over = new Repl({
    session,
    commands,
    caller: change.caller ?? TECHNICIAN,
    nodeName: 'depot',
    names: () => ['climate', 'compass'],
    onCommand: (record) => records.push(record),
    idleMs: 600_000,
  }).run();
  let heard = 0;
  const told = () => {
    const text = line.wire.text.slice(heard);
    heard += text.length;
    return text.replaceAll('\r', '');
  };
  const type = async (text: string, ms = 1000) => {
    line.type(text);
    for (let i = 0; i < 10; i++) {
      await clock.advance(ms / 10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    return told();
  };
  return { clock, line, session, records, over, told, type };
}

const echo = command('echo', async ({ positionals, terminal, caller }) => {
  terminal.out(`${caller.name}: ${positionals.join('|')}`);
  return 0;
});
const PROMPT = 'depot technician> ';

test('a line is run as a command of the caller, and the journal hears of it', async () => {
  const { type, records } = open([echo]);
  const line = `echo 'a b' c # why`;
  assert.equal(await type(`${line}\r`), `${PROMPT}${line}\nAda: a b|c\n${PROMPT}`);
  const [begin, end, ...more] = records;
  assert.deepEqual(begin, { event: 'begin', line, caller: TECHNICIAN });
  assert.deepEqual({ ...end, ms: 0 }, { event: 'end', line, caller: TECHNICIAN, exitCode: 0, ms: 0 });
  assert.equal(more.length, 0);
});

test('an empty line is nothing; cairn in front is what examples have; an open quote is told', async () => {
  const { type, records } = open([echo]);
  assert.equal(await type('\r'), `${PROMPT}\n${PROMPT}`);
  assert.match(await type('cairn echo x\r'), /Ada: x/);
  assert.match(await type('echo "x\r'), /the " in column 6 is never closed; nothing was run\n/);
  assert.equal(records.length, 2);
});

test('an unknown command names the nearest one, and what was typed ahead is not run', async () => {
  const { type, records } = open([echo, command('store status', async () => 0)]);
  assert.match(await type('ehco x\rech'), /No command 'ehco'\. Did you mean 'echo'\?\n/);
  await type('o y\r');
  assert.match(await type('store sttaus\r'), /Did you mean 'store status'\?/);
  assert.match(await type('xyzzy plugh\r'), /No command 'xyzzy'\. 'help' lists them\./);
  assert.deepEqual(records, []);
});

test('roles: what the caller may not is refused, and neither listed nor completed', async () => {
  const wipe = command('wipe', async () => assert.fail(), { role: 'owner' });
  const shell = command('run', async () => assert.fail(), { onConsole: false });
  const { type } = open([echo, wipe, shell]);
  assert.match(
    await type('wipe\r'),
    /wipe needs the role owner; yours is technician\n\(exit 4: not allowed\)/,
  );
  assert.match(await type('run\r'), /run runs from a shell only/);
  const help = await type('help\r');
  assert.match(help, /^look +(.*, )?echo\b/m);
  assert.match(await type('help look\r'), /^echo +what echo does$/m);
  assert.doesNotMatch(help, /wipe|^run/m);
  assert.ok(help.split(/\r?\n/).every((line) => line.length <= 80));
  assert.match(await type('help echo\r'), /echo <part>\n {2}what echo does\n {2}e\.g\. cairn echo climate\n/);
  assert.match(await type('help nope\r'), /No command 'nope'/);
});

test('Tab completes commands, options and the names of parts', async () => {
  const options = { every: { type: 'string' }, json: { type: 'boolean' } } as const;
  const { type } = open([command('read', async () => 0, { options }), echo]);
  assert.equal(await type('re\tcl\t--ev\t\t'), `${PROMPT}read climate --every c`);
});

test('exit codes other than 0 are told in a line; a fault ends no session', async () => {
  const bad = command('bad', async () => 1);
  const broken = command('broken', () => {
    throw new TypeError('oops');
  });
  const { type, records } = open([bad, broken]);
  assert.match(await type('bad\r'), /bad\n\(exit 1: done, with bad news\)\n/);
  assert.match(
    await type('broken\r'),
    /please report it:\nTypeError: oops[\s\S]*\(exit 70: a fault of the program\)/,
  );
  assert.match(await type('bad --nope\r'), /\(exit 2: /);
  assert.deepEqual(
    records.filter(({ event }) => event === 'end').map((record) => 'exitCode' in record && record.exitCode),
    [1, 70, 2],
  );
});

test('a journal that throws is told, and the command runs', async () => {
  const clock = new SimClock();
  const line = new TestLine(Number.POSITIVE_INFINITY, clock);
  const session = new Session({ line, clock });
  const onCommand = () => {
    throw new Error('ENOSPC');
  };
  void new Repl({
    ...{ session, commands: [echo], caller: TECHNICIAN, nodeName: 'x', names: () => [] },
    ...{ onCommand, idleMs: 600_000 },
  }).run();
  line.type('echo x\r');
  for (let i = 0; i < 5; i++) {
    await clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.match(line.wire.text, /journal can't be written: ENOSPC[\s\S]*Ada: x/);
});

/** Says much and minds the signal, or doesn't. */
const flood = command('flood', async ({ terminal, signal, positionals }) => {
  for (let i = 0; i < 10_000 && !(signal.aborted && positionals.length === 0); i++) {
    terminal.out(`${i} `.padEnd(60, '.'));
    if (i % 24 === 0) await terminal.drained();
  }
  return 0;
});

/** Has ended long before its answer is on the line. */
const burst = command('burst', async ({ terminal }) => {
  terminal.out('.'.repeat(100_000));
  return 0;
});

for (const words of ['flood', 'flood deaf', 'burst']) {
  test(`Ctrl-C in a long answer at 9600 baud is felt within 200 ms: ${words}`, async () => {
    const { type, clock, line, records, told } = open([flood, burst, echo], { speed: 960 });
    await type(`${words}\r`, 20_000);
    const atMs = Number(clock.nowNs()) / 1e6;
    line.type('\x03');
    for (let i = 0; i < 60; i++) {
      await clock.advance(10);
      await new Promise((resolve) => setImmediate(resolve));
    }
    const text = line.wire.text;
    const end = Buffer.byteLength(text.slice(0, text.lastIndexOf('^C') + 2));
    assert.ok(line.wire.seenAtMs(end) - atMs <= 200, `${line.wire.seenAtMs(end) - atMs} ms`);
    assert.match(told(), /\^C\n[\s\S]*depot technician> $/);
    assert.doesNotMatch(text.slice(text.lastIndexOf('^C')), /\.{20}/, 'nothing of the answer after it');
    assert.equal(records.at(-1)!.event, 'end');
    assert.match(await type('echo on\r'), /Ada: on/);
  });
}

test('a command that does not end is left behind: the prompt is back, and it never says a word again', async () => {
  let left: Terminal | undefined;
  let finish: () => void = () => undefined;
  const hang = command('hang', ({ terminal }) => {
    left = terminal;
    return new Promise((resolve) => {
      finish = () => resolve(0);
    });
  });
  const { type, records, told } = open([hang, echo]);
  await type('hang\r');
  const after = await type('\x03', 250);
  assert.match(after, /\^C\nhang did not end when it was stopped, and is left behind\.\ndepot technician> $/);
  assert.deepEqual({ ...records[1], ms: 0 }, { event: 'end', line: 'hang', caller: TECHNICIAN, ms: 0 });
  left!.out('ghost');
  left!.err('ghost');
  assert.equal(await left!.ask('ghost? '), undefined);
  await assert.rejects(left!.drained(), /left behind/);
  assert.equal(told(), '');
  finish();
  assert.match(await type('echo on\r'), /Ada: on/);
});

test('four that were left behind and have not ended are enough', async () => {
  const ends: (() => void)[] = [];
  const hang = command('hang', () => new Promise((resolve) => ends.push(() => resolve(0))));
  const { type } = open([hang]);
  for (let i = 0; i < 4; i++) {
    await type('hang\r');
    await type('\x03');
  }
  assert.match(await type('hang\r'), /no other is begun/);
  ends.shift()!();
  await type('');
  await type('hang\r');
  assert.equal(ends.length, 4, 'one has ended, another begins');
});

test('a command asks, is answered, is interrupted; answers are no history', async () => {
  const asks = command('asks', async ({ terminal }) => {
    terminal.out(`got ${await terminal.ask('secret? ')}`);
    return 0;
  });
  const { type } = open([asks]);
  await type('asks\r');
  assert.match(await type('s3cret\r'), /got s3cret\n/);
  assert.match(await type('\x1b[A'), /asks$/);
  await type('\r');
  assert.match(await type('half\x03'), /\^C\ndepot technician> $/);
});

test('a paste is read line by line; of one that lost lines nothing is taken, and nothing is run', async () => {
  const lines: (string | undefined)[] = [];
  const apply = command('apply', async ({ terminal }) => {
    lines.length = 0;
    do lines.push(await terminal.ask(''));
    while (lines.at(-1) !== '.' && lines.at(-1) !== undefined);
    return 0;
  });
  const { type, records } = open([apply, echo]);
  const file = Array.from({ length: 1000 }, (_, i) => `echo: ${i}`.padEnd(50));
  await type(`apply\r${file.join('\r\n')}\r\n.\r\n`);
  assert.deepEqual(lines, [...file, '.']);
  await type('apply\r');
  const said = await type(`${[...file, ...file].join('\r\n')}\r\n.\r\necho after\r`);
  assert.equal(lines.at(-1), undefined);
  assert.match(said, /\d+ lines came faster than they were worked off, and were dropped\.\n/);
  assert.equal(records.length, 4, 'only apply was run, twice');
});

test('a slip is brought back by an arrow, noise is not', async () => {
  const { type } = open([echo]);
  await type('echi on\r');
  await type('$GPGGA,,,\r');
  assert.match(await type('\x1b[A\x01\x1b[C\x1b[C\x1b[C\x04o\r'), /Ada: on/);
});

test('idle: a warning a minute before, then the end; a neighbour who chatters keeps nothing open', async () => {
  const { type, clock, over, told, session } = open([echo]);
  await type('echo\r', 0);
  await clock.advance(500_000);
  await type('\r', 0);
  told();
  for (let i = 0; i < 9; i++) {
    await clock.advance(59_000);
    await type('$GPGGA,,,,*56\r\n', 100);
  }
  await clock.advance(9_100);
  assert.match(told(), /Nothing typed: the session ends in 60 s\. Press Enter to stay\.\n/);
  await clock.advance(58_000);
  assert.equal(session.ended, undefined);
  await clock.advance(2_000);
  assert.equal(await over, 'idle');
});

test('a command that runs has an hour: a long answer is not cut off, and a console is not left open', async () => {
  const forever = command('forever', () => new Promise(() => undefined));
  const { type, clock, over, session } = open([forever]);
  await type('forever\r', 0);
  await clock.advance(3_500_000);
  await type('\r', 0);
  await clock.advance(3_590_000);
  assert.equal(session.ended, undefined);
  await clock.advance(11_000);
  assert.equal(await over, 'idle');
});

test('hang-up and exit end it, in the middle of a command too', async () => {
  const aborted: boolean[] = [];
  const wait = command(
    'wait',
    ({ signal }) =>
      new Promise((resolve) => {
        signal.addEventListener('abort', () => {
          aborted.push(true);
          resolve(0);
        });
      }),
  );
  const { type, over, line } = open([wait]);
  await type('wait\r');
  line.end('hangUp');
  await type('', 300);
  assert.equal(await over, 'hangUp');
  assert.deepEqual(aborted, [true]);
  const other = open([wait]);
  await other.type('exit\r');
  assert.equal(await other.over, 'exit');
});

test('noise with e, a Tab and an Enter in it is no exit: it is typed in whole, and alone', async () => {
  const { type, over, session } = open([command('echo', async () => 0)]);
  await type('e\tx\r');
  await type('ex\tlKZ\r');
  assert.equal(session.ended, undefined);
  assert.match(await type('exit lKZ\r'), /'exit' stands alone on its line: the session goes on/);
  await type('exit\r');
  assert.equal(await over, 'exit');
});

test('a line that is stopped by its flow control ends the session after a minute, and memory stays', async () => {
  const { type, clock, over, line } = open([flood]);
  line.isStopped = true;
  await type('flood deaf\r');
  await clock.advance(61_000);
  await type('', 300);
  assert.equal(await over, 'stuck');
});

test('a line that is stopped holds up no end: whatever ends the session does so at once', async () => {
  const { type, clock, over, line, session } = open([flood]);
  line.isStopped = true;
  await type('flood\r');
  line.end('signal');
  await type('', 300);
  assert.equal(await over, 'signal');
  let isClosed = false;
  void session.close().then(() => {
    isClosed = true;
  });
  await clock.advance(1000);
  assert.ok(isClosed);
  const atPrompt = open([]);
  atPrompt.line.isStopped = true;
  await atPrompt.type('x');
  atPrompt.line.end('signal');
  await atPrompt.type('', 300);
  assert.equal(await atPrompt.over, 'signal');
});

test('what a text says moves no cursor: controls of whoever wrote it are shown as ?', async () => {
  const evil = command('evil', async ({ terminal }) => {
    terminal.out('a\x1b[2Jb\rc\bd\x9b1me\u202ef\tg');
    return 0;
  });
  const { type } = open([evil]);
  assert.match(await type('evil\r'), /a\?\[2Jb\?c\?d\?1me\?f\tg\n/);
});

test('the end of a pipe: the lines that wait are worked off first, half a one is not', async () => {
  const { line, type, over, told, clock } = open([echo]);
  line.type('echo a\recho b\recho half');
  line.last();
  for (let i = 0; i < 20; i++) {
    await clock.advance(10);
    await new Promise((resolve) => setImmediate(resolve));
  }
  assert.equal(await over, 'exit');
  const text = told() + (await type(''));
  assert.match(text, /Ada: a\n.*\nAda: b\n/);
  assert.equal(text.includes('Ada: half'), false);
});
