import { lookup } from 'node:dns';
import { existsSync, readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import type { WallClock } from '../../clock/types.js';
import type { AskAll } from '../resolver.js';
import type { ProbePorts } from './types.js';

/** This machine. */
export function probePortsHere(clock: ProbePorts['clock'], wall: Pick<WallClock, 'pair'>): ProbePorts {
  return {
    clock,
    wallMs: () => Number(wall.pair().wallNs / 1_000_000n),
    interfaces: networkInterfaces,
    defaultInterface: () => defaultInterfaceOf(textOf('/proc/net/route'), textOf('/proc/net/ipv6_route')),
    askAll: oneAtATime((host, answer) => lookup(host, { all: true }, answer)),
  };
}

function oneAtATime(askAll: AskAll): AskAll {
  let isAsking = false;
  return (host, answer) => {
    if (isAsking) {
      const error = new Error('the question before has no answer yet');
      setImmediate(answer, Object.assign(error, { code: 'EAI_AGAIN' }), []);
      return;
    }
    isAsking = true;
    askAll(host, (...said) => {
      isAsking = false;
      answer(...said);
    });
  };
}

/** Of the kernel's tables (proc(5); net/ipv6/route.c, rt6_info_route): the default route of least metric, IPv4 before IPv6. */
export function defaultInterfaceOf(ipv4: string, ipv6: string): string | undefined {
  const four = rowsOf(ipv4).flatMap(([name = '', to, , , , , metric = '', mask]) =>
    to === '00000000' && mask === '00000000' ? [{ name, metric: Number.parseInt(metric, 10) }] : [],
  );
  const six = rowsOf(ipv6).flatMap(([to, bits, , , , metric = '', , , , name = '']) =>
    to === '0'.repeat(32) && bits === '00' && name !== 'lo'
      ? [{ name, metric: Number.parseInt(metric, 16) }]
      : [],
  );
  const best = (routes: typeof four) => routes.toSorted((a, b) => a.metric - b.metric)[0]?.name;
  return best(four) ?? best(six);
}

function rowsOf(table: string): readonly string[][] {
  return table.split('\n').map((line) => line.trim().split(/\s+/));
}

function textOf(path: string): string {
  return existsSync(path) ? readFileSync(path, 'utf8') : '';
}
