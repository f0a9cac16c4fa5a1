import type { Rule } from '../facts.js';
import { NETWORK_TODO } from '../todo.js';

/** Less than this, and the next burst is shed: the node itself takes 90 MB. */
const MEMORY_SHORT_BYTES = 32 * 1024 * 1024;

export const underVoltage: Rule = ({ machine }) =>
  machine.isUnderVoltage
    ? [
        {
          kind: 'machine.underVoltage',
          about: 'machine',
          what: 'the supply is too low: the board and whatever hangs on it may fail at any moment',
          evidence: ['the board’s supply monitor says under-voltage now'],
          todo: 'measure the supply at the board under load; change the cable, the fuse, or the battery',
        },
      ]
    : [];

export const hot: Rule = ({ machine }) =>
  machine.isThrottled && !machine.isUnderVoltage
    ? [
        {
          kind: 'machine.hot',
          about: 'machine',
          what: 'the processor is slowed down: it is too hot',
          evidence: [
            machine.temperatureC === undefined
              ? 'the kernel says throttled'
              : `the kernel says throttled at ${machine.temperatureC.toFixed(1)} °C`,
          ],
          todo: 'let air to the box, out of the sun; look whether the heat sink sits',
        },
      ]
    : [];

export const memory: Rule = ({ machine: { memoryAvailableBytes } }) =>
  memoryAvailableBytes !== undefined && memoryAvailableBytes < MEMORY_SHORT_BYTES
    ? [
        {
          kind: 'machine.memory',
          about: 'machine',
          what: 'memory is short: rows of the lowest class are given up first',
          evidence: [`${Math.floor(memoryAvailableBytes / 1e6)} MB are left`],
          todo: 'see what else runs here (ps aux --sort -rss); a reboot helps for the moment',
        },
      ]
    : [];

export const network: Rule = ({ machine, node }) =>
  machine.hasNetwork === false && node?.uplink && node.uplink.link.state !== 'online'
    ? [
        {
          kind: 'network.down',
          about: 'uplink',
          what: 'the machine has no network: no interface has an address',
          evidence: ['ip addr shows loopback only'],
          todo: NETWORK_TODO,
        },
      ]
    : [];
