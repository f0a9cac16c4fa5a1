import type { LevelDb, PlainFile, StoreDeps } from '../../store/index.js';
import type { MqttConnect } from '../../uplink/index.js';
import type { Recorder } from './recorder.js';

/** Counted where it happens, told once a second. */
export class Tally {
  commits = 0;
  commitMs = 0;
  answers: Record<string, number> = {};

  answer(code: number | 'stray'): void {
    this.answers[code] = (this.answers[code] ?? 0) + 1;
  }
}

/** The store's disk, with each refusal and each repair noted. */
export function recordedDisk(deps: StoreDeps, recorder: Recorder, tally: Tally): StoreDeps {
  const tried = async <T>(on: string, work: Promise<T>, done?: (ms: number) => void): Promise<T> => {
    const began = deps.nowNs();
    const ms = () => Number((deps.nowNs() - began) / 1_000_000n);
    try {
      const result = await work;
      done?.(ms());
      return result;
    } catch (error) {
      recorder.note({ e: 'disk', on, code: codeOf(error), ms: ms() });
      throw error;
    }
  };
  const { files } = deps;
  return {
    ...deps,
    files: {
      ...files,
      write: (path, bytes) => tried('write', files.write(path, bytes)),
      open: async (path) => recordedFile(await tried('open', files.open(path)), tried),
      sync: (path) => tried('sync', files.sync(path)),
    },
    openLevel: async (path, options) => {
      const level = await tried('openLevel', deps.openLevel(path, options));
      return recordedLevel(level, tried, (ms) => {
        tally.commits++;
        tally.commitMs = Math.max(tally.commitMs, ms);
      });
    },
    repairLevel: async (...paths) => {
      try {
        await deps.repairLevel(...paths);
        recorder.note({ e: 'repair', ok: true });
      } catch (error) {
        recorder.note({ e: 'repair', ok: false });
        throw error;
      }
    },
  };
}

type Tried = <T>(on: string, work: Promise<T>, done?: (ms: number) => void) => Promise<T>;

function recordedLevel(level: LevelDb, tried: Tried, done: (ms: number) => void): LevelDb {
  return {
    get: (...key) => tried('get', level.get(...key)),
    batch: (...operations) => tried('batch', level.batch(...operations), done),
    scan: (...range) => level.scan(...range),
    compact: (...range) => level.compact(...range),
    close: () => level.close(),
  };
}

function recordedFile(file: PlainFile, tried: Tried): PlainFile {
  return {
    write: (bytes, position) => tried('write', file.write(bytes, position)),
    datasync: () => tried('datasync', file.datasync()),
    close: () => file.close(),
  };
}

/** LevelDB says what the system said in words (strerror(3)) only. */
const BY_WORDS: readonly (readonly [words: RegExp, code: string])[] = [
  [/No space left|ENOSPC/, 'ENOSPC'],
  [/Read-only file system|EROFS/, 'EROFS'],
  [/Input\/output error|EIO/, 'EIO'],
];

function codeOf(error: unknown): string {
  const { code, message } = error as { code?: unknown; message?: string };
  if (typeof code === 'string' && /^E[A-Z0-9]+$/.test(code)) return code;
  const said = `${message ?? ''} ${(error as { cause?: Error }).cause?.message ?? ''}`;
  return BY_WORDS.find(([words]) => words.test(said))?.[1] ?? (typeof code === 'string' ? code : 'unknown');
}

/** The broker, with each connection's life noted and each answer counted. */
export function recordedConnect(connect: MqttConnect, recorder: Recorder, tally: Tally): MqttConnect {
  return (options, events) => {
    recorder.note({ e: 'link', is: 'try' });
    return connect(options, {
      ...events,
      connected: (server) => {
        recorder.note({ e: 'link', is: 'online' });
        events.connected(server);
      },
      answered: (id, reasonCode) => {
        tally.answer(reasonCode);
        events.answered(id, reasonCode);
      },
      strayAnswer: () => {
        tally.answer('stray');
        events.strayAnswer();
      },
      down: (why) => {
        recorder.note({ e: 'link', is: 'down', kind: why.kind, text: why.text });
        events.down(why);
      },
    });
  };
}
