// The exit codes that scripts can rely on.
import { PicketError } from '../../platform/core/errors.ts';

export const EXIT = {
  ok: 0,
  /** It ran, and found what it was asked to look for wrong (failed tests, lint errors, refused configuration). */
  findings: 1,
  /** The command line itself is wrong. */
  usage: 2,
  /** It could not do its work (no site answers, file unreadable, port taken). */
  failed: 3,
} as const;

/** What was typed is wrong, whatever the state of files and sites: ends with EXIT.usage. */
export class UsageError extends PicketError {}
