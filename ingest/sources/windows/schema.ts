// The one shape that all four renderings of a Windows event are read into, and the adapter's parameters.
import { z } from 'zod';

export const WindowsParameters = z.strictObject({});

/** A Windows event as its System and EventData (or UserData) say it (learn.microsoft.com: Event Schema). */
export interface WindowsEvent {
  readonly channel: string;
  /** Decimal text, without qualifiers. */
  readonly eventId: string;
  readonly provider?: string | undefined;
  readonly providerGuid?: string | undefined;
  readonly computer?: string | undefined;
  /** Decimal text: a 64-bit counter. */
  readonly recordId?: string | undefined;
  /** `information`, `warning`… */
  readonly level?: string | undefined;
  readonly task?: string | undefined;
  readonly opcode?: string | undefined;
  readonly outcome?: 'success' | 'failure' | undefined;
  readonly processId?: number | undefined;
  readonly threadId?: number | undefined;
  readonly activityId?: string | undefined;
  /** The account under which the provider wrote, not the one that acted. */
  readonly user?:
    | {
        identifier?: string | undefined;
        name?: string | undefined;
        domain?: string | undefined;
        type?: string | undefined;
      }
    | undefined;
  readonly message?: string | undefined;
  /** ms since the epoch. */
  readonly timestamp: number | undefined;
  /** EventData or UserData, every value as text. */
  readonly data: Readonly<Record<string, string>>;
}

/** Reads one rendering; undefined when the object is not of that kind. */
export type ReadWindowsEvent = (
  value: { [key: string]: unknown },
  zone: { offsetAt(instant: number): number } | undefined,
) => WindowsEvent | undefined;
