import * as fs from 'node:fs/promises';
import { basename, dirname } from 'node:path';
import type { StorageDevice } from './options.js';

const SECTOR_BYTES = 512;
/** Sectors written, of the fields of /sys/block/<device>/stat (Linux Documentation/block/stat.rst). */
const SECTORS_WRITTEN = 6;

/** The block device under a path; the file system's size where no single device is (overlays, btrfs, memory). Undefined where there is no path. */
export async function storageDevice(path: string): Promise<StorageDevice | undefined> {
  try {
    const { dev } = await fs.stat(path, { bigint: true });
    return (await blockDevice(dev)) ?? (await fileSystem(path));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw error;
  }
}

async function blockDevice(dev: bigint): Promise<StorageDevice | undefined> {
  const link = `/sys/dev/block/${major(dev)}:${minor(dev)}`;
  const folder = await fs.realpath(link).catch(() => undefined);
  if (folder === undefined) return undefined;
  // Wear levelling spreads the writes of a partition over the whole card, and all partitions wear the same flash.
  const isPartition = (await fs.readFile(`${folder}/partition`, 'utf8').catch(() => '')) !== '';
  const disk = isPartition ? dirname(folder) : folder;
  const fields = (await fs.readFile(`${disk}/stat`, 'utf8')).trim().split(/\s+/);
  return {
    name: basename(disk),
    isBlock: true,
    sizeBytes: SECTOR_BYTES * Number(await fs.readFile(`${disk}/size`, 'utf8')),
    writtenBytes: SECTOR_BYTES * Number(fields[SECTORS_WRITTEN]),
  };
}

async function fileSystem(path: string): Promise<StorageDevice> {
  const { blocks, bsize } = await fs.statfs(path);
  return { name: path, isBlock: false, sizeBytes: blocks * bsize };
}

/** As gnu_dev_major(3) takes a dev_t apart. */
function major(dev: bigint): bigint {
  return ((dev >> 8n) & 0xfffn) | ((dev >> 32n) & ~0xfffn);
}

function minor(dev: bigint): bigint {
  return (dev & 0xffn) | ((dev >> 12n) & ~0xffn);
}
