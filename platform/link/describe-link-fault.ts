// What a site tells of a connection to its parent that did not come up or was lost: nobody there, refused, or somebody else.
import { describeError, errorCode } from '../core/errors.ts';
import type { SiteHappening } from '../core/site-events.ts';

/** Codes by which OpenSSL and Node say that whoever answered is not believed. */
const UNTRUSTED =
  /^(?:SELF_SIGNED_CERT|DEPTH_ZERO_SELF_SIGNED|UNABLE_TO_(?:VERIFY|GET)|CERT_(?!HAS_EXPIRED)|ERR_TLS_CERT_ALTNAME)/;

/** `parent` is the address that the site calls, when it is enrolled. */
export function describeLinkFault(error: unknown, parent: string | undefined): SiteHappening {
  const code = errorCode(error);
  const cause = (error as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  const untrusted = code === 'LINK_UNREACHABLE' && typeof cause === 'string' && UNTRUSTED.test(cause);
  const refused = code !== 'LINK_UNREACHABLE';
  return {
    action: untrusted ? 'parent-untrusted' : refused ? 'parent-refused' : 'parent-unreachable',
    subject: parent ?? 'the parent',
    code: untrusted ? cause : code,
    message: describeError(error),
    fields: parent === undefined ? {} : { site_event: { parent } },
  };
}
