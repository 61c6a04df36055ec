// Opens the one HTTP or HTTPS listener on which the HTTP receiver and the bulk front stand.
import type { AddressInfo } from 'node:net';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Clock } from '../../platform/core/clock.ts';
import type { Logger } from '../../platform/core/log.ts';
import type { Intake } from '../intake.ts';
import { bulkReceiver } from './bulk.ts';
import { httpReceiver } from './http.ts';
import { type BodyLimits, DEFAULT_BODY_LIMITS } from './read-body.ts';

/** PEM texts. With `client_ca`, clients are asked for a certificate; sources decide whether they need one. */
export interface ListenerTls {
  readonly certificate: string;
  readonly key: string;
  readonly client_ca?: string;
}

/**
 * Listens on `host` and `port` (0 for any). `close` stops taking connections and resolves when requests in
 * hand are answered. @throws what listen throws, such as EADDRINUSE
 */
export async function startHttpReceivers(options: {
  host: string;
  port: number;
  tls?: ListenerTls;
  intake: Intake;
  clock: Clock;
  logger: Logger;
  limits?: BodyLimits;
  retry_after_s?: number;
}): Promise<{ port: number; close: () => Promise<void> }> {
  const { tls, intake, clock, logger } = options;
  const limits = options.limits ?? DEFAULT_BODY_LIMITS;
  const shared = {
    bodyLimit: limits.max_body_bytes,
    requestTimeout: 60_000,
    return503OnClosing: true,
    forceCloseConnections: 'idle' as const,
    routerOptions: { maxParamLength: 512 },
  };
  const app: FastifyInstance = tls
    ? (fastify({
        ...shared,
        https: {
          cert: tls.certificate,
          key: tls.key,
          minVersion: 'TLSv1.2',
          ...(tls.client_ca === undefined
            ? {}
            : { ca: tls.client_ca, requestCert: true, rejectUnauthorized: false }),
        },
      }) as unknown as FastifyInstance)
    : fastify(shared);
  app.addHook('onRequest', refuseBrowsers(intake));
  const receiver = {
    intake,
    clock,
    limits,
    ...(options.retry_after_s === undefined ? {} : { retry_after_s: options.retry_after_s }),
  };
  await app.register(httpReceiver, receiver);
  await app.register(bulkReceiver, receiver);
  await app.listen({ host: options.host, port: options.port });
  const { port } = app.server.address() as AddressInfo;
  logger.info({ host: options.host, port, tls: tls !== undefined }, 'HTTP receivers listen');
  return { port, close: () => app.close() };
}

/**
 * Log shippers name no origin, browsers always do when they post. A page that someone near a source looks at
 * could otherwise write records to a source that knows its senders by address alone.
 */
function refuseBrowsers(intake: Intake): (request: FastifyRequest, reply: FastifyReply) => Promise<unknown> {
  return async (request, reply) => {
    const { origin, 'sec-fetch-site': fetchSite } = request.headers;
    if (origin === undefined && (fetchSite === undefined || fetchSite === 'none')) return undefined;
    const { source } = request.params as { source?: string };
    if (source !== undefined && intake.sources.has(source)) intake.drop(source, 'web-page');
    return reply.code(403).type('application/problem+json').send({
      type: 'about:blank',
      status: 403,
      title: 'Forbidden',
      code: 'BROWSER_REFUSED',
      detail: 'records are not taken from web pages',
    });
  };
}
