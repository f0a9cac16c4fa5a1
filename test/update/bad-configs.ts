/** What a bad configuration is made of: the node file's lines by their keys. */
export type NodeLines = Readonly<
  Record<'node' | 'board' | 'identity' | 'parts' | 'store' | 'uplink', string>
>;

export interface BadConfig {
  readonly name: string;
  /** Its lines instead of the good ones; '' leaves the line out. `whole`: the text as it is. */
  readonly lines?: Partial<NodeLines>;
  readonly whole?: string;
  /** Why it has to be left: `check` before it ever runs. */
  readonly why: 'check' | 'crashed' | 'expired';
  /** What the evidence says, where it is known. */
  readonly evidence?: RegExp;
}

const storeOf = (name: string) => `store: { path: FOLDER/${name}, size: 16 MB, commit: 200ms }`;
const acting = (act: string) => ({ store: storeOf(`bad-${act}`) });
const partOf = (text: string) => ({ parts: `parts: ${text}` });

/** Each one is something that was, or could be, applied at a roadside. FOLDER, SILENT and STUB are a test's own. */
export const BAD_CONFIGS: readonly BadConfig[] = [
  { name: 'invalid YAML', whole: 'node: [\n  - x: }\n', why: 'check', evidence: /node\.yaml:\d+:\d+: / },
  {
    name: 'a key that is none',
    lines: { board: 'board: twin\nsampling: fast' },
    why: 'check',
    evidence: /sampling/,
  },
  {
    name: 'another board, whose bus is not there',
    lines: { board: 'board: generic' },
    why: 'expired',
    evidence: /part climate is missing/,
  },
  {
    name: 'two parts at one address',
    lines: partOf(
      '{ a: { driver: bme280, bus: i2c-1, address: 0x76, every: 1s }, b: { driver: bme280, bus: i2c-1, address: 0x76, every: 1s } }',
    ),
    why: 'check',
    evidence: /0x76/,
  },
  {
    name: "a password's file that is not there",
    lines: {
      uplink: "uplink: { url: 'mqtt://127.0.0.1:STUB', username: n, password: { file: FOLDER/none } }",
    },
    why: 'check',
    evidence: /there is no file .*none/,
  },
  {
    name: 'a fragment that is not there',
    lines: { board: 'board: twin\ninclude: [gone.yaml]' },
    why: 'check',
    evidence: /gone\.yaml/,
  },
  {
    name: 'a store whose socket no kernel can name',
    lines: { store: storeOf('s'.repeat(110)) },
    why: 'check',
    evidence: /107 at most/,
  },
  { name: 'it throws as it opens', lines: acting('open'), why: 'crashed', evidence: /planted/ },
  { name: 'it throws soon after', lines: acting('soon'), why: 'crashed', evidence: /planted/ },
  { name: 'its process exits', lines: acting('exit'), why: 'crashed' },
  { name: 'its process aborts', lines: acting('abort'), why: 'crashed' },
  { name: 'it is killed, as for want of memory', lines: acting('kill'), why: 'crashed' },
  { name: 'it hangs its process', lines: acting('hang'), why: 'crashed' },
  { name: 'its start never ends', lines: acting('never'), why: 'expired', evidence: /not open yet/ },
  {
    name: 'an identity that is not there',
    lines: { identity: 'identity: FOLDER/nobody' },
    why: 'crashed',
    evidence: /nobody.*no such key/,
  },
  {
    name: 'a store below a file',
    lines: { store: storeOf('node.yaml/store') },
    why: 'crashed',
    evidence: /ENOTDIR/,
  },
  { name: 'no uplink any more', lines: { uplink: '' }, why: 'expired', evidence: /there is no uplink/ },
  {
    name: 'a broker that is not there',
    lines: { uplink: "uplink: { url: 'mqtt://127.0.0.1:1' }" },
    why: 'expired',
    evidence: /no link: .*(refused|connecting)/i,
  },
  {
    name: 'a broker that never answers',
    lines: { uplink: "uplink: { url: 'mqtt://127.0.0.1:SILENT' }" },
    why: 'expired',
    evidence: /no link: /,
  },
  {
    name: 'a part where none is',
    lines: {
      board: 'board: ./far.yaml',
      ...partOf(
        '{ climate: { driver: bme280, bus: i2c-1, address: 0x76, every: 500ms }, far: { driver: lis3mdl, bus: i2c-2, address: 0x1c } }',
      ),
    },
    why: 'expired',
    evidence: /part far is (failing|missing)/,
  },
];
