import { existsSync } from 'node:fs';
import {
  openCdevLine,
  type SurveyDeps,
  surveyWiring,
  type WiringFault,
  wiringLine,
} from '../../runtime/board/index.js';
import type { Rig } from '../rig.js';
import { asNode, lineId } from './as-node.js';
import { judgeWires, type Wire } from './loops.js';
import { measureWires } from './measure.js';

/**
 * What is wrong with a rig's wiring by its manifest, one line a fault; none where it is as the manifest says. Run before the suites, so that a bench is
 * not debugged by suites that fail. Needs the rig's simulated parts made, and its lines free.
 */
export async function checkWiring(rig: Rig, deps: SurveyDeps): Promise<readonly string[]> {
  const config = asNode(rig);
  const { faults } = config.parts.length > 0 ? await surveyWiring(config, deps) : { faults: [] };
  // A line that can't be opened can't be measured either, and is told already.
  const shut = faults.flatMap(({ parts }) => parts);
  const wires = wiresOf(rig).filter(
    ({ drive, read }) => ![drive, read].some((name) => shut.includes(lineId(name))),
  );
  const all = [...bareDevices(rig), ...faults, ...(await checkWires(rig, wires, deps))];
  return all.map(wiringLine);
}

/** Buses and ports without a real part on them: nobody answers there, so it is enough that they are there. */
function bareDevices({ buses = {}, ports = {} }: Rig): readonly WiringFault[] {
  const bare = [
    ...Object.entries(buses).filter(([, { parts = {} }]) => Object.keys(parts).length === 0),
    ...Object.entries(ports).filter(([, { driver }]) => driver === undefined),
  ];
  return bare
    .filter(([, { device }]) => !existsSync(device))
    .map(([name, { device }]) => ({
      kind: 'noDevice',
      parts: [name],
      where: device,
      expected: 'a device',
      found: 'no such file',
      todo: 'switch it on, plug it in, or load its driver',
    }));
}

/** A wire once, though both its ends may name it: the end that the manifest names last is driven. */
function wiresOf(rig: Rig): readonly Wire[] {
  const wires: Wire[] = [];
  for (const [read, { jumper }] of Object.entries(rig.lines ?? {})) {
    if (jumper === undefined || wires.some((wire) => wire.read === jumper && wire.drive === read)) continue;
    wires.push({ drive: jumper, read });
  }
  return wires;
}

async function checkWires(
  rig: Rig,
  wires: readonly Wire[],
  deps: SurveyDeps,
): Promise<readonly WiringFault[]> {
  const lines = rig.lines ?? {};
  const chips = new Set(wires.flatMap(({ drive, read }) => [lines[drive]!.chip, lines[read]!.chip]));
  const seen = await measureWires(wires, {
    where: [...chips].join(' and '),
    async open(name, direction, bias) {
      const { chip, line, offset } = lines[name]!;
      const place = { chipLabels: [chip], lineNames: [line], ...(offset === undefined ? {} : { offset }) };
      return openCdevLine(place, name, { direction, bias, activeLow: false, debounceUs: 0 }, deps);
    },
    delay: (ms) => deps.clock.delay(ms),
  });
  return judgeWires(seen);
}
