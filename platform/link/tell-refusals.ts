// What a parent's link tells as site events: callers it refused, and sites that enrolled.
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2';
import type { TLSSocket } from 'node:tls';
import { describeError, errorCode } from '../core/errors.ts';
import type { JsonObject } from '../core/event.ts';
import { canonicalAddress } from '../core/network.ts';
import type { SiteEventAction, SiteEvents } from '../core/site-events.ts';
import type { IssuedIdentity } from '../identity/messages.ts';
import { ROUTES } from './protocol.ts';

/** Codes that speak of who asks, whatever the route. */
const OF_THE_CALLER = /^(?:LINK_CERTIFICATE_|SITE_)/;
/** The parent's own trouble, and batches, which the batch's side tells of with its site. */
const NOT_OF_THE_CALLER = /^(?:BUS_|RECORD_|LINK_BATCH_|LINK_BUSY$|INTERNAL$)/;

/** Tells of a request that was refused; `socket` is the caller's. */
export function tellRefusedRequest(options: {
  siteEvents: SiteEvents;
  stream: ServerHttp2Stream;
  headers: IncomingHttpHeaders;
  error: unknown;
}): void {
  const { siteEvents, stream, headers, error } = options;
  const code = errorCode(error);
  const path = headers[':path'];
  if (NOT_OF_THE_CALLER.test(code) || (path === ROUTES.batches && code.startsWith('SIGNATURE_'))) return;
  const socket = stream.session?.socket as TLSSocket | undefined;
  const peer = addressOf(socket);
  siteEvents.tell({
    action: actionOf(path, code),
    subject: peer ?? 'unknown',
    code,
    message: `${peer ?? 'a caller'} was refused: ${describeError(error)}`,
    fields: { ...(peer === undefined ? {} : { source: { ip: peer } }), ...certificateOf(socket) },
  });
}

/** Tells of a connection that ended before it asked for anything. */
export function tellRefusedStranger(options: {
  siteEvents: SiteEvents;
  socket: TLSSocket | undefined;
  code: string;
  message: string;
}): void {
  const { siteEvents, socket, code, message } = options;
  const peer = addressOf(socket);
  siteEvents.tell({
    action: 'link-strangers-refused',
    subject: peer ?? 'unknown',
    code,
    message,
    fields: peer === undefined ? {} : { source: { ip: peer } },
  });
}

/** Tells of a site that got an identity. */
export function tellEnrolled(options: {
  siteEvents: SiteEvents;
  stream: ServerHttp2Stream;
  issued: IssuedIdentity;
}): void {
  const { siteEvents, stream, issued } = options;
  const peer = addressOf(stream.session?.socket as TLSSocket | undefined);
  siteEvents.tell({
    action: 'site-enrolled',
    subject: issued.batch ? `${issued.site} again` : issued.site,
    message: `${issued.site} enrolled${issued.batch ? ' again' : ''}`,
    fields: {
      ...(peer === undefined ? {} : { source: { ip: peer } }),
      site_event: { site: issued.site, again: issued.batch !== undefined },
    },
  });
}

function actionOf(path: string | undefined, code: string): SiteEventAction {
  if (path === ROUTES.enrol) return 'enrolment-refused';
  if (path === ROUTES.renew) return 'certificate-renewal-refused';
  return OF_THE_CALLER.test(code) ? 'certificate-refused' : 'link-request-refused';
}

function addressOf(socket: TLSSocket | undefined): string | undefined {
  return canonicalAddress(socket?.remoteAddress ?? '');
}

/** What the caller's certificate says of itself (ECS `tls.client`), believed or not. */
function certificateOf(socket: TLSSocket | undefined): JsonObject {
  const certificate = socket?.getPeerX509Certificate();
  if (!certificate) return {};
  return {
    tls: {
      client: {
        hash: { sha256: certificate.fingerprint256.replaceAll(':', '') },
        subject: certificate.subject.slice(0, 256),
        issuer: certificate.issuer.slice(0, 256),
        not_after: certificate.validToDate.toISOString(),
        x509: { serial_number: certificate.serialNumber },
      },
    },
  };
}
