// The parent's end of the link: the only thing that listens for children, over mutual TLS 1.3 and HTTP/2.
import { X509Certificate } from 'node:crypto';
import http2, {
  type Http2SecureServer,
  type IncomingHttpHeaders,
  type ServerHttp2Session,
  type ServerHttp2Stream,
} from 'node:http2';
import type { AddressInfo } from 'node:net';
import type { TLSSocket } from 'node:tls';
import type { z } from 'zod';
import { describeError, errorCode, PicketError } from '../core/errors.ts';
import { Heartbeat, type SiteRecord } from '../core/site.ts';
import { silentSiteEvents } from '../core/site-events.ts';
import { createTurns, type Turns } from '../core/turns.ts';
import type { Authority } from '../identity/authority.ts';
import { EnrolmentRequest, RenewalRequest } from '../identity/messages.ts';
import { identifySite } from '../identity/site-certificates.ts';
import { upsertRecord } from '../records/record-store.ts';
import { describeProblem, MAX_BATCH_BYTES, MAX_JSON_BYTES, ROUTES } from './protocol.ts';
import { createCommandStreams } from './serve-commands.ts';
import { type TakeBatchDeps, takeBatch } from './take-batch.ts';
import { tellEnrolled, tellRefusedRequest, tellRefusedStranger } from './tell-refusals.ts';

export interface LinkServer {
  readonly host: string;
  readonly port: number;
  /** `https://host:port`, for bundles. */
  readonly url: string;
  /** Ids of the sites whose command stream is open now. */
  connected(): string[];
  close(): Promise<void>;
}

export interface LinkServerOptions extends Omit<TakeBatchDeps, 'tenant'> {
  readonly host: string;
  /** 0 for any free port. */
  readonly port: number;
  readonly authority: Authority;
  /** How long a caller without a certificate may stay; default 30 s. */
  readonly stranger_ms?: number;
}

/** A caller without a certificate of ours may enrol or renew, and is cut off after this. */
const STRANGER_MS = 30_000;

/** So many connections without a certificate of ours at a time. */
const MAX_STRANGERS = 64;

/** Requests at a time on one connection (RFC 9113, SETTINGS_MAX_CONCURRENT_STREAMS); a child needs four. */
const MAX_STREAMS = 16;

/** Batches of one site that may be held at a time: one in work and one that a new connection sends again. */
const MAX_HELD_BATCHES = 2;

/** When a child that was asked to wait may come again. */
const RETRY_AFTER_S = 5;

/** How often a quiet command stream is spoken on, and the server's certificate looked at. */
const PING_MS = 15_000;

/** Listens for children. @throws the system's error when the port is taken */
export async function startLinkServer(options: LinkServerOptions): Promise<LinkServer> {
  const { authority, records, clock, counters, logger, siteEvents = silentSiteEvents } = options;
  const { tenant } = authority;
  const chain = async (): Promise<{ key: string; cert: string; ca: string }> => {
    const { key, certificate } = await authority.serverCertificate();
    // The authority's certificate is sent too: a new site knows its hash and nothing else.
    return { key, cert: certificate + authority.caCertificate, ca: authority.caCertificate };
  };
  const server = http2.createSecureServer({
    ...(await chain()),
    minVersion: 'TLSv1.3',
    requestCert: true,
    // Enrolment comes without a certificate; every other route asks for one itself.
    rejectUnauthorized: false,
    allowHTTP1: false,
    handshakeTimeout: STRANGER_MS,
    settings: { maxConcurrentStreams: MAX_STREAMS },
  });
  const stopping = new AbortController();
  const sessions = new Set<ServerHttp2Session>();
  const turnsOf = new Map<string, Turns>();
  const heldBatches = new Map<string, number>();
  let strangers = 0;
  const commands = createCommandStreams({ records, counters, logger, siteEvents });

  const identify = (stream: ServerHttp2Stream): Promise<SiteRecord> => {
    const socket = stream.session?.socket as TLSSocket | undefined;
    const certificate = socket?.getPeerX509Certificate();
    if (!socket || !certificate || !socket.authorized) {
      const why = socket?.authorizationError ? `: ${describeError(socket.authorizationError)}` : '';
      const code = certificate ? 'LINK_CERTIFICATE_INVALID' : 'LINK_CERTIFICATE_MISSING';
      throw new PicketError({ code, message: `a certificate of this authority is needed${why}` });
    }
    return identifySite({ certificate: new X509Certificate(certificate.raw), tenant, records, clock });
  };

  const answer = async (stream: ServerHttp2Stream, headers: IncomingHttpHeaders): Promise<void> => {
    const route = `${headers[':method']} ${headers[':path']}`;
    switch (route) {
      case `POST ${ROUTES.enrol}`: {
        const issued = await authority.enrol(parse(EnrolmentRequest, await readBody(stream, MAX_JSON_BYTES)));
        logger.info({ site: issued.site, jurisdiction: issued.jurisdiction }, 'a site enrolled');
        counters.add('link', 'enrolled', { source: issued.site });
        tellEnrolled({ siteEvents, stream, issued });
        return respondJson(stream, 200, issued);
      }
      case `POST ${ROUTES.renew}`:
        return respondJson(
          stream,
          200,
          await authority.renew(parse(RenewalRequest, await readBody(stream, MAX_JSON_BYTES))),
        );
      case `POST ${ROUTES.batches}`: {
        const site = await identify(stream);
        const held = heldBatches.get(site.id) ?? 0;
        if (held >= MAX_HELD_BATCHES)
          throw new PicketError({ code: 'LINK_BUSY', message: 'a batch of this site is in work' });
        heldBatches.set(site.id, held + 1);
        try {
          const body = await readBody(stream, MAX_BATCH_BYTES);
          let turns = turnsOf.get(site.id);
          if (!turns) turnsOf.set(site.id, (turns = createTurns()));
          const taken = await turns.take(0, () => takeBatch({ ...options, tenant, site, body }));
          return respondJson(stream, 200, taken);
        } finally {
          heldBatches.set(site.id, (heldBatches.get(site.id) ?? 1) - 1);
        }
      }
      case `POST ${ROUTES.heartbeat}`: {
        const site = await identify(stream);
        const heartbeat = parse(Heartbeat, await readBody(stream, MAX_JSON_BYTES));
        const last_seen = new Date(clock.now()).toISOString();
        await upsertRecord<SiteRecord>({
          store: records,
          collection: 'sites',
          id: site.id,
          change: (current) => ({ ...(current ?? site), heartbeat, last_seen }),
        });
        return respondJson(stream, 200, {});
      }
      case `GET ${ROUTES.commands}`:
        return commands.open(await identify(stream), stream);
      default:
        throw new PicketError({ code: 'LINK_ROUTE_UNKNOWN', message: `no such route: ${route}` });
    }
  };

  /** Anyone may open a connection: without bounds they would hold every one that this process can have. */
  const limitStranger = (session: ServerHttp2Session): void => {
    if (strangers >= MAX_STRANGERS) {
      counters.add('link', 'strangers-refused');
      tellRefusedStranger({
        siteEvents,
        socket: session.socket as TLSSocket,
        code: 'LINK_STRANGERS',
        message: `${MAX_STRANGERS} callers without a certificate are connected already`,
      });
      session.destroy();
      return;
    }
    strangers++;
    const timer = setTimeout(() => session.destroy(), options.stranger_ms ?? STRANGER_MS);
    session.once('close', () => {
      clearTimeout(timer);
      strangers--;
    });
  };

  server.on('session', (session) => {
    sessions.add(session);
    session.on('close', () => sessions.delete(session));
    if (!(session.socket as TLSSocket).authorized) limitStranger(session);
    session.on('error', (error) => logger.debug({ err: error }, 'a link session failed'));
  });
  server.on('stream', (stream, headers) => {
    stream.on('error', (error) => logger.debug({ err: error }, 'a link stream failed'));
    answer(stream, headers).catch((error: unknown) => {
      counters.add('link', `refused:${errorCode(error)}`);
      const log = { code: errorCode(error), path: headers[':path'], reason: describeError(error) };
      if (log.code === 'INTERNAL') logger.error({ ...log, err: error }, 'a link request failed');
      else logger.warn(log, 'a link request was refused');
      tellRefusedRequest({ siteEvents, stream, headers, error });
      const problem = describeProblem(error);
      respondJson(stream, problem.status, problem);
    });
  });
  server.on('tlsClientError', (error, socket) => {
    counters.add('link', 'tls-refused');
    // Whoever only looks at our certificate, as a new site does to pin it, hangs up like this.
    if ((error as NodeJS.ErrnoException).code === 'ECONNRESET') return;
    const message = `a TLS handshake failed: ${describeError(error)}`;
    tellRefusedStranger({ siteEvents, socket, code: 'LINK_TLS', message });
    logger.debug({ err: error }, 'a TLS handshake failed');
  });

  await listen(server, options);
  const { port } = server.address() as AddressInfo;
  const upkeep = (async () => {
    while (!stopping.signal.aborted) {
      await clock.sleep(PING_MS, stopping.signal).catch(() => undefined);
      if (stopping.signal.aborted) return;
      commands.ping();
      try {
        server.setSecureContext({ ...(await chain()), minVersion: 'TLSv1.3' });
      } catch (error) {
        logger.error({ err: error }, 'the link cannot renew its certificate');
      }
    }
  })();
  const stopWatching = records.watch((change) => {
    if (change.collection === 'postures' && change.kind === 'put') commands.changed(change.id);
    if (change.collection === 'sites') commands.recheck(change.id);
  });

  return {
    host: options.host,
    port,
    url: `https://${options.host.includes(':') ? `[${options.host}]` : options.host}:${port}`,
    connected: () => commands.connected(),
    close: async () => {
      stopping.abort();
      stopWatching();
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      for (const session of sessions) session.destroy();
      await Promise.all([closed, upkeep]);
    },
  };
}

function listen(server: Http2SecureServer, { host, port }: { host: string; port: number }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

function parse<T>(schema: z.ZodType<T>, body: Buffer): T {
  try {
    return schema.parse(JSON.parse(body.toString('utf8')));
  } catch (error) {
    throw new PicketError({
      code: 'LINK_MESSAGE_INVALID',
      message: 'the message has not the shape of its route',
      cause: error,
    });
  }
}

async function readBody(stream: ServerHttp2Stream, limit: number): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > limit) throw new PicketError({ code: 'LINK_TOO_LARGE', message: `at most ${limit} bytes` });
    parts.push(part);
  }
  return Buffer.concat(parts);
}

function respondJson(stream: ServerHttp2Stream, status: number, body: object): void {
  if (stream.destroyed || stream.headersSent) return;
  // RFC 9110, 10.2.3: seconds.
  const later = status === 429 || status === 503 ? { 'retry-after': String(RETRY_AFTER_S) } : {};
  stream.respond({ ':status': status, 'content-type': 'application/json', ...later });
  stream.end(JSON.stringify(body));
}
