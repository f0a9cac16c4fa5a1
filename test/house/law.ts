import type { Import } from './imports.js';

/** The stages in the order that data flows through them. */
const STAGES = ['board', 'sampler', 'fusion', 'store', 'uplink', 'relay'];
/** The fleet's, in the order that a message takes through them; `receive` and `bench` stand beside. */
const FLEET = ['db', 'store', 'people', 'alerts', 'ingest', 'sources', 'services', 'web', 'integrations'];
/** What stands beside the pipe: any stage may use its types. */
const SHARED_TYPES = /^runtime\/(config|clock)\/types\.ts$/;
/** They see the whole pipe: they wire it, or show it. */
const WIRING = /^runtime\/[a-z-]+\.ts$|^runtime\/(console|requests|update)\//;
/** It watches the pipe from beyond its right end: it sees all of it by type, and only who wires the pipe knows it. */
const WATCHER = 'health';
const MAY_USE_NATIVE =
  /^(runtime\/(board|clock|fusion|store|uplink|console|node\.ts)|wire|fleet|bench|hil|scripts)\b/;

/** Why an import breaks the law, or undefined where it doesn't. */
export function breach(found: Import): string | undefined {
  const { from, to } = found;
  const toProject = /\.(ts|mjs)$/.test(to) && to.includes('/') && !to.startsWith('@');
  if (from.startsWith('drivers/')) return driversBreach(to, toProject);
  if (!toProject) return undefined;
  if (from.startsWith('native/')) return to.startsWith('native/') ? undefined : 'native is a leaf';
  if (to.startsWith('native/') && !found.typeOnly && !MAY_USE_NATIVE.test(from))
    return 'native is not for this folder';
  if (from.startsWith('wire/'))
    return /^(wire|native|drivers\/contract)\//.test(to) ? undefined : 'wire is a leaf beside native';
  if (from.startsWith('fleet/'))
    return /^(fleet|native|wire|drivers\/contract)\//.test(to)
      ? fleetBreach(found)
      : 'the fleet knows only the wire format, native and the contract';
  if (from.startsWith('runtime/')) return runtimeBreach(found);
  return undefined;
}

function fleetBreach({ from, to, typeOnly }: Import): string | undefined {
  const [i, j] = [FLEET.indexOf(folderOf(from)), FLEET.indexOf(folderOf(to))];
  if (i < 0 || j < 0 || j <= i || typeOnly) return undefined;
  return `data points right, imports point left: fleet/${FLEET[i]} is left of fleet/${FLEET[j]}`;
}

function driversBreach(to: string, toProject: boolean): string | undefined {
  if (to.startsWith('node:')) return 'drivers have no Node built-ins';
  if (toProject) return to.startsWith('drivers/') ? undefined : 'drivers are a leaf';
  return to === 'valibot' ? undefined : 'drivers use no package but valibot';
}

function runtimeBreach({ from, to, typeOnly }: Import): string | undefined {
  if (/^(fleet|test|hil|bench|scripts)\//.test(to)) return 'the runtime knows nothing of what is around it';
  if (
    to.startsWith('drivers/') &&
    !to.startsWith('drivers/contract/') &&
    !from.startsWith('runtime/board/')
  ) {
    return 'driver code is imported by runtime/board only';
  }
  if (!to.startsWith('runtime/') || WIRING.test(from)) return undefined;
  const [here, there] = [folderOf(from), folderOf(to)];
  if (here === there) return undefined;
  if (there === WATCHER) return 'nobody in the pipe knows who watches it';
  if (here === WATCHER) return typeOnly ? undefined : 'what watches the pipe takes types of it only';
  if (WIRING.test(to)) return 'a stage knows nothing of who wires it';
  if (!typeOnly) return `${here} takes another part of the runtime by value: only types may cross`;
  if (SHARED_TYPES.test(to)) return undefined;
  const [i, j] = [STAGES.indexOf(here), STAGES.indexOf(there)];
  if (i >= 0 && j >= 0 && j > i) return `data points right, imports point left: ${here} is left of ${there}`;
  if (i < 0 && j >= 0) return `${here} is beside the pipe and knows no stage of it`;
  return undefined;
}

function folderOf(path: string): string {
  return path.split('/')[1] ?? '';
}
