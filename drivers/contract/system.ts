/** Bounded reads of sysfs and proc, and the room on a file system. */
export interface SystemFiles {
  /**
   * The file as UTF-8, cut at `maxBytes` (default 4096, at most 65536). Rejects with HalError `absent` where there is no such file.
   * Only paths below /sys, /proc and /etc/os-release are read.
   */
  read(path: string, maxBytes?: number): Promise<string>;
  /** Names in a directory of sysfs or proc, sorted, at most 1024. `absent` as above. */
  list(path: string): Promise<readonly string[]>;
  /** Of the file system that holds `path`, in bytes. */
  space(path: string): Promise<{ totalBytes: number; freeBytes: number }>;
}
