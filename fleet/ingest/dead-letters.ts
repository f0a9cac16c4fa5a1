import { DISK, type Disk, RecordFile, readRecords, recordBytes } from './record-file.js';
import type { Message } from './types.js';

/** Messages that the store always rejects, for people to look at: one file of the spool's form. */
export class DeadLetters {
  private constructor(
    private readonly file: RecordFile,
    private readonly maxBytes: number,
  ) {}

  static async open(path: string, maxBytes: number, disk: Disk = DISK): Promise<DeadLetters> {
    const bytes = await disk.readFile(path).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return Buffer.alloc(0);
      throw error;
    });
    const { goodBytes } = readRecords(bytes);
    if (goodBytes < bytes.length) await disk.truncate(path, goodBytes);
    return new DeadLetters(new RecordFile(path, goodBytes, disk), maxBytes);
  }

  /** False: it is full, or the disk doesn't take it. */
  async keep(message: Message): Promise<boolean> {
    if (this.file.bytes + recordBytes(message) > this.maxBytes) return false;
    return this.file.append([message]).then(
      () => true,
      () => false,
    );
  }

  close(): Promise<void> {
    return this.file.close();
  }
}
