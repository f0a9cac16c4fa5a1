/**
 * The files in which the kernel tells of itself. Documentation: proc_meminfo(5), proc_stat(5), proc_loadavg(5), proc_uptime(5);
 * Documentation/ABI/testing/sysfs-class-thermal; Documentation/hwmon/sysfs-interface and raspberrypi-hwmon.
 */
export const FILES = {
  /** Directories `thermal_zoneN`, each with `temp` in millidegrees Celsius. */
  thermal: '/sys/class/thermal',
  memory: '/proc/meminfo',
  cpu: '/proc/stat',
  load: '/proc/loadavg',
  uptime: '/proc/uptime',
  /** Directories `hwmonN`, each with `name`. */
  hwmon: '/sys/class/hwmon',
  /** Raspberry Pi's firmware as its own kernel shows it: bits in hex. */
  throttled: '/sys/devices/platform/soc/soc:firmware/get_throttled',
  board: '/sys/firmware/devicetree/base/model',
  kernel: '/proc/sys/kernel/osrelease',
  system: '/etc/os-release',
} as const;

/** The kernel's driver of Raspberry Pi's supply: `in0_lcrit_alarm` is 1 when the 5 V supply fell below 4.63 V since the last look. */
export const SUPPLY_MONITOR = { name: 'rpi_volt', alarm: 'in0_lcrit_alarm' } as const;

/** Bits of get_throttled that are true now (those of 16 and up: since the start). */
export const THROTTLED = {
  underVoltage: 1 << 0,
  frequencyCapped: 1 << 1,
  throttled: 1 << 2,
  hot: 1 << 3,
} as const;

/** More zones or monitors than any board has are not looked at. */
export const MAX_DIRECTORIES = 32;
