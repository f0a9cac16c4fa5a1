import { readFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { noticeLine, startReceiver, type TakeResult } from './index.js';
import { printedRows, rowLine, summaryText } from './print.js';
import { readReceiptKey } from './receipt-key.js';

const HELP = `cairn-receive: receives nodes' blocks from a broker, drops doubles, says what is missing.

  cairn-receive --url mqtt://localhost --ledger ledger.jsonl
  cairn-receive --url mqtts://broker.example --ca ca.pem --cert me.pem --key me.key --json

  --url URL            mqtt:// or mqtts://
  --ledger FILE        keeps the ledger over restarts; a line is synced before its message is acknowledged
  --receipt-key FILE   signs receipts with this Ed25519 key (PEM, mode 0600), for nodes of custody fleet; wants --ledger.
                       Made by: openssl genpkey -algorithm ed25519 -out receipt.key && chmod 600 receipt.key
                       For the nodes (uplink.fleetKeys): openssl pkey -in receipt.key -pubout -out fleet.pub
  --client-id ID       the broker's name for the session (cairn-receive)
  --protocol VERSION   auto, 5 or 3.1.1 (auto)
  --username NAME, --password-file FILE
  --ca FILE, --cert FILE, --key FILE
  --json               a JSON object a row, and the ledger at the end
  --quiet              no rows: only the ledger at the end (SIGINT, SIGTERM)

Exit: 0 ended by a signal, 1 messages could no longer be kept, 2 wrong arguments.
`;

interface Arguments {
  readonly url: string;
  readonly json: boolean;
  readonly quiet: boolean;
  readonly options: Parameters<typeof startReceiver>[0];
}

function parse(argv: readonly string[]): Arguments | undefined {
  const text = { type: 'string' } as const;
  const flag = { type: 'boolean', default: false } as const;
  const { values } = parseArgs({
    args: [...argv],
    options: {
      ...{ url: text, ledger: text, username: text, ca: text, cert: text, key: text, 'password-file': text },
      'receipt-key': text,
      ...{ json: flag, quiet: flag, help: flag },
      'client-id': { type: 'string', default: 'cairn-receive' },
      protocol: { type: 'string', default: 'auto' },
    },
  });
  const { protocol, url } = values;
  if (values.help || !url) return undefined;
  if (protocol !== 'auto' && protocol !== '5' && protocol !== '3.1.1') return undefined;
  const receiptKey = values['receipt-key'];
  const passwordFile = values['password-file'];
  const options = {
    url,
    protocol,
    clientId: values['client-id'],
    ...(values.ledger ? { ledgerFile: values.ledger } : {}),
    ...(receiptKey ? { receiptKey: readReceiptKey(receiptKey) } : {}),
    ...(values.username ? { username: values.username } : {}),
    ...(passwordFile ? { password: readFileSync(passwordFile, 'utf8').trimEnd() } : {}),
    ...(values.ca ? { ca: readFileSync(values.ca) } : {}),
    ...(values.cert ? { certificate: readFileSync(values.cert) } : {}),
    ...(values.key ? { key: readFileSync(values.key) } : {}),
  } as const;
  return { url, json: values.json, quiet: values.quiet, options };
}

function show(result: TakeResult, json: boolean): void {
  if (result.kind === 'invalid') process.stderr.write(`${result.cause}: ${result.text}\n`);
  if (result.kind === 'notice')
    process.stdout.write(`${json ? JSON.stringify({ notice: result.notice }) : noticeLine(result.notice)}\n`);
  if (result.kind !== 'rows') return;
  for (const row of printedRows(result.rows)) {
    process.stdout.write(`${json ? JSON.stringify(row) : rowLine(result.rows, row)}\n`);
  }
}

async function main(argv: readonly string[]): Promise<number> {
  const args = parse(argv);
  if (!args) {
    process.stderr.write(HELP);
    return argv.includes('--help') ? 0 : 2;
  }
  const { receiptKey } = args.options;
  if (receiptKey) process.stderr.write(`receipts: signed with key ${receiptKey.kid}\n`);
  const running = await startReceiver({
    ...args.options,
    onResult: (result) => {
      if (!args.quiet) show(result, args.json);
    },
    onState: (state, text) => process.stderr.write(`${state}: ${text}\n`),
  });
  const code = await Promise.race([
    new Promise<number>((resolve) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => resolve(0));
    }),
    running.failed.catch(() => 1),
  ]);
  await running.stop();
  const { receiver } = running;
  const summary = { ledger: receiver.summary(), invalid: receiver.invalid };
  process.stdout.write(args.json ? `${JSON.stringify(summary)}\n` : `${summaryText(receiver.summary())}\n`);
  return code;
}

main(process.argv.slice(2)).then(
  (code) => {
    process.exitCode = code;
  },
  (error: Error) => {
    process.stderr.write(`cairn-receive: ${error.message}\n`);
    process.exitCode = 2;
  },
);
