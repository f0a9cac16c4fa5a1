import type { HalError } from '../../../drivers/contract/index.js';
import { listText, pinsText, type WiringFault, type WiringFaultKind, withNotes } from './fault.js';

/** What was heard at one rate. */
export interface Heard {
  readonly baud: number;
  readonly bytes: number;
  /** The driver that takes it for its own part, and what that part says it is. */
  readonly device?: { readonly driver: string; readonly model: string };
}

/** All that was seen of one serial part that doesn't answer as itself. */
export interface SerialEvidence {
  readonly part: string;
  readonly driver: string;
  readonly port: { readonly name: string; readonly device: string; readonly pins: readonly number[] };
  readonly baud: number;
  /** Why the port doesn't open; nothing was heard then. */
  readonly closed?: HalError;
  /** Serial devices that the kernel has. */
  readonly devices?: readonly string[];
  /** In the order of listening, the configured rate first. */
  readonly heard: readonly Heard[];
  /** The part speaks only when it is asked. */
  readonly asked: boolean;
}

/** The one line that the evidence bears out. */
export function diagnoseSerial(e: SerialEvidence): WiringFault {
  if (e.closed) return closedPort(e, e.closed);
  const own = e.heard.find(({ device }) => device?.driver === e.driver);
  if (own) return own.baud === e.baud ? passing(e) : otherBaud(e, own.baud);
  const other = e.heard.find(({ device }) => device !== undefined);
  if (other?.device) return otherDevice(e, other, other.device);
  return e.heard.some(({ bytes }) => bytes > 0) ? noFrames(e) : silentPort(e);
}

function otherBaud(e: SerialEvidence, baud: number): WiringFault {
  return fault(e, 'otherBaud', {
    found: `${bytesText(e)}, and ${e.driver} at ${baud} baud`,
    todo: `write baud: ${baud}`,
  });
}

function otherDevice(
  e: SerialEvidence,
  heard: Heard,
  { driver, model }: NonNullable<Heard['device']>,
): WiringFault {
  return fault(e, 'otherDevice', {
    found: `${withNotes(driver, model)} at ${heard.baud} baud`,
    todo: `plug ${e.driver} in here, or name the port that it is on`,
  });
}

function noFrames(e: SerialEvidence): WiringFault {
  return fault(e, 'noFrames', {
    found: `bytes, but nothing that a known part says, at ${ratesText(e)} baud`,
    todo: 'check ground and the level of the signal (3.3 V, not RS-232), and which protocol it is set to',
  });
}

function ratesText(e: SerialEvidence): string {
  return listText(
    e.heard
      .map(({ baud }) => baud)
      .sort((a, b) => a - b)
      .map(String),
    'and',
  );
}

function silentPort(e: SerialEvidence): WiringFault {
  return fault(e, 'silentPort', {
    found: `no byte at ${ratesText(e)} baud${e.asked ? ', though it was asked' : ''}`,
    todo: "check the part's power and ground, and whether TX and RX are swapped",
  });
}

function passing(e: SerialEvidence): WiringFault {
  return fault(e, 'passing', {
    found: `${e.driver} there now, and not when it was asked first`,
    todo: 'look for a loose contact, and ask again',
  });
}

function closedPort(e: SerialEvidence, error: HalError): WiringFault {
  const devices = e.devices ?? [];
  if (error.kind === 'absent')
    return fault(e, 'noPort', {
      expected: 'a serial port',
      found: `no such device, ${devices.length ? `but ${listText(devices, 'and')}` : 'nor any other'}`,
      todo: 'plug it in, or switch the port on in the boot config',
    });
  if (error.kind === 'denied')
    return fault(e, 'denied', {
      expected: 'a port that this user may open',
      found: 'permission denied',
      todo: 'add the user to the group dialout',
    });
  return fault(e, 'other', {
    found: `${error.kind}: ${error.message}`,
    todo: 'see whether another program holds it, such as a login on the serial console',
  });
}

/** What came at the rate of the node file. */
function bytesText(e: SerialEvidence): string {
  const bytes = e.heard.find(({ baud }) => baud === e.baud)?.bytes ?? 0;
  return bytes === 0 ? 'no byte' : `${bytes} bytes, but nothing readable`;
}

type Said = Pick<WiringFault, 'found' | 'todo'> & { readonly expected?: string };

function fault(e: SerialEvidence, kind: WiringFaultKind, said: Said): WiringFault {
  const { name, device, pins } = e.port;
  const where = `${withNotes(name, device === name ? '' : device, pinsText(pins))} at ${e.baud} baud`;
  return { kind, parts: [e.part], where, expected: e.driver, ...said };
}
