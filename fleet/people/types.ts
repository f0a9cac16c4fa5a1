import type { Group } from '../store/types.js';

/** Each may do what those before it may: look; acknowledge, rename, ask; and change people and rules. */
export const ROLES = ['viewer', 'operator', 'owner'] as const;
export type Role = (typeof ROLES)[number];

export const GROUPS = ['dev', 'stage', 'prod'] as const satisfies readonly Group[];
/** A role per group; none where it is absent. */
export type Roles = Readonly<Partial<Record<Group, Role>>>;

export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string | undefined;
  readonly roles: Roles;
  /** `invited`: has no password yet, and can't sign in. */
  readonly state: 'invited' | 'active';
  /** Whether a code (TOTP) is asked of them. */
  readonly hasCode: boolean;
  readonly createdMs: number;
}

/** Who asks for something. */
export interface Caller {
  /** Of the person; empty for `loopback`. */
  readonly id: string;
  /** As people read it, and as the audit has it: `Anna`, `Anna (token ci)`. */
  readonly name: string;
  readonly roles: Roles;
  /** `session`: a browser that signed in. `token`: a program. `loopback`: somebody on this machine, where the configuration opens it for looking. */
  readonly via: 'session' | 'token' | 'loopback';
  /** The id of the session or token. */
  readonly key: string;
}

/** For the audit: in whose name something happens, and from which address. */
export interface By {
  readonly who: string;
  readonly from: string;
}

export interface AuditEntry extends By {
  /** `sign-in`, `people.invite`, `alert.acknowledge`: at most 64 characters. */
  readonly action: string;
  /** A person, a token, a rule, an alert: by its name. At most 256 characters, as all texts here; what is longer is cut. */
  readonly about?: string;
  readonly detail?: string;
}

/** What of the world is used: time in ms since 1970, and random bytes fit for keys. */
export interface Sources {
  readonly nowMs: () => number;
  readonly random: (bytes: number) => Uint8Array;
}

/**
 * Why something isn't done, in words for whoever asked. `input`: what they typed won't do. `taken`: the name has somebody. `lastOwner`: nobody could manage
 * people afterwards. `full`: a bound is reached. `gone`: the link, secret or thing is used, expired or unknown. `denied`: the password or code is wrong.
 * `wait`: too many wrong ones before it. `busy`: too many sign in at once.
 */
export type PeopleErrorKind = 'input' | 'taken' | 'lastOwner' | 'full' | 'gone' | 'denied' | 'wait' | 'busy';

export class PeopleError extends Error {
  override readonly name = 'PeopleError';

  constructor(
    readonly kind: PeopleErrorKind,
    message: string,
    /** For `wait` and `busy`: when it is worth trying again. */
    readonly waitMs = 0,
  ) {
    super(message);
  }
}
