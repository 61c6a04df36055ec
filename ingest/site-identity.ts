// Who a site is, as its events say it, and the key that makes their ids.
import type { KeyObject } from 'node:crypto';
import type { SiteTier } from '../platform/core/names.ts';

/** What a site is, and the key that makes its event ids (a plain hash would confirm guesses once it leaves the site). */
export interface SiteIdentity {
  readonly tenant: string;
  readonly id: string;
  readonly tier: SiteTier;
  readonly jurisdiction: string;
  /** HMAC-SHA-256 key; never leaves the site. As a KeyObject it is four times faster than as bytes. */
  readonly eventKey: Uint8Array | KeyObject;
}
