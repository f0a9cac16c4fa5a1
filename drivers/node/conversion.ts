import { THROTTLED } from './registers.js';

/** Every function takes a file's text and gives undefined where it isn't what the kernel writes. */

/** `54768` millidegrees → 54.768 °C. */
export function parseTemperature(text: string): number | undefined {
  const milli = wholeNumber(text);
  return milli === undefined ? undefined : milli / 1000;
}

/** Bytes that programs can still get without swapping: MemAvailable (kernel 3.14). */
export function parseMemoryAvailable(text: string): number | undefined {
  const match = /^MemAvailable:\s+(\d+) kB$/m.exec(text);
  return match ? Number(match[1]) * 1024 : undefined;
}

export interface CpuTimes {
  /** In ticks, since the start, all processors. */
  readonly busy: number;
  readonly total: number;
}

/** The first eight fields of the first line; idle and iowait aren't work, guest time is in user already. */
export function parseCpuTimes(text: string): CpuTimes | undefined {
  const match = /^cpu +(\d+(?: \d+){3,})/.exec(text);
  if (!match) return undefined;
  const fields = match[1]!.split(' ').slice(0, 8).map(Number);
  const total = fields.reduce((sum, ticks) => sum + ticks, 0);
  const idle = fields[3]! + (fields[4] ?? 0);
  return { busy: total - idle, total };
}

/** Per cent of all processors' time between two readings; undefined where no tick has passed. */
export function cpuUse(before: CpuTimes, now: CpuTimes): number | undefined {
  const total = now.total - before.total;
  if (total <= 0) return undefined;
  // iowait may run backwards (proc_stat(5)), so the share can leave 0 to 100 by a little.
  return Math.min(100, Math.max(0, ((now.busy - before.busy) / total) * 100));
}

/** Mean number of runnable tasks over the last minute. */
export function parseLoad(text: string): number | undefined {
  const match = /^(\d+\.\d+) /.exec(text);
  return match ? Number(match[1]) : undefined;
}

/** s since the start, suspend included. */
export function parseUptime(text: string): number | undefined {
  const match = /^(\d+\.\d+) /.exec(text);
  return match ? Number(match[1]) : undefined;
}

/** 0 or 1. */
export function parseAlarm(text: string): 0 | 1 | undefined {
  const flag = text.trim();
  return flag === '0' ? 0 : flag === '1' ? 1 : undefined;
}

export interface Throttling {
  readonly underVoltage: 0 | 1;
  /** Slowed down for whatever reason. */
  readonly throttled: 0 | 1;
}

/** `50005`, as the kernel writes it, or `0x50005`. */
export function parseThrottled(text: string): Throttling | undefined {
  const match = /^(?:0x)?([0-9a-f]{1,8})\s*$/i.exec(text);
  if (!match) return undefined;
  const bits = Number.parseInt(match[1]!, 16);
  const slow = THROTTLED.frequencyCapped | THROTTLED.throttled | THROTTLED.hot;
  return { underVoltage: bits & THROTTLED.underVoltage ? 1 : 0, throttled: bits & slow ? 1 : 0 };
}

/** `PRETTY_NAME="Debian GNU/Linux 13 (trixie)"` of os-release(5). */
export function parseSystemName(text: string): string | undefined {
  return /^PRETTY_NAME="?([^"\n]{1,128})"?$/m.exec(text)?.[1];
}

function wholeNumber(text: string): number | undefined {
  const trimmed = text.trim();
  return /^-?\d{1,12}$/.test(trimmed) ? Number(trimmed) : undefined;
}
