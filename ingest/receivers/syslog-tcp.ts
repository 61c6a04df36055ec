// Syslog over TCP (RFC 6587) and TLS (RFC 5425): reading stops while the intake is behind, so that senders wait instead of losing.
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type TLSSocket } from 'node:tls';
import type { RawRecord } from '../source.ts';
import { createAddressList, peerAddress } from './address-list.ts';
import { createIdSequence } from './assigned-id.ts';
import { createSyslogFramer } from './frame-syslog.ts';
import { handOver, type Receiver, type ReceiverOptions } from './receiver.ts';

export interface SyslogTcpOptions extends ReceiverOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly addresses?: readonly string[] | undefined;
  readonly max_connections?: number;
}

export interface SyslogTlsOptions extends SyslogTcpOptions {
  /** PEM. */
  readonly certificate: string;
  readonly key: string;
  /** PEM; with it clients must show a certificate of this CA. */
  readonly client_ca?: string | undefined;
  /** Which of those certificates may send; every member given must hold. */
  readonly client_certificate?:
    | { readonly common_name?: string | undefined; readonly fingerprint_sha256?: string | undefined }
    | undefined;
}

const CLOSE_TIMEOUT_MS = 5_000;

/** Plain TCP. Turned-away connections are counted as `address-not-allowed` and `too-many-connections`. */
export function startSyslogTcpReceiver(options: SyslogTcpOptions): Promise<Receiver & { port: number }> {
  return listen(options, (onSocket) => createServer({ keepAlive: true }, onSocket));
}

/** TLS. Also counted: `tls-handshake` and `certificate-not-allowed`. */
export function startSyslogTlsReceiver(options: SyslogTlsOptions): Promise<Receiver & { port: number }> {
  const { client_ca, client_certificate, intake, sourceId } = options;
  const asked = client_ca !== undefined;
  return listen(options, (onSocket) => {
    const server = createTlsServer(
      {
        cert: options.certificate,
        key: options.key,
        minVersion: 'TLSv1.2',
        requestCert: asked,
        rejectUnauthorized: asked,
        ...(asked ? { ca: client_ca } : {}),
      },
      (socket: TLSSocket) => {
        if (client_certificate && !isAllowedCertificate(socket, client_certificate)) {
          intake.turnAway(sourceId, 'certificate-not-allowed', peerAddress(socket.remoteAddress));
          socket.destroy();
          return;
        }
        onSocket(socket);
      },
    );
    server.on('tlsClientError', (_error, socket) =>
      intake.turnAway(sourceId, 'tls-handshake', peerAddress(socket.remoteAddress)),
    );
    return server;
  });
}

function isAllowedCertificate(
  socket: TLSSocket,
  wanted: NonNullable<SyslogTlsOptions['client_certificate']>,
): boolean {
  const shown = socket.getPeerCertificate();
  if (!socket.authorized) return false;
  const fingerprint = (shown.fingerprint256 ?? '').replaceAll(':', '').toLowerCase();
  const names = shown.subject?.CN;
  return (
    (wanted.fingerprint_sha256 === undefined || fingerprint === wanted.fingerprint_sha256) &&
    (wanted.common_name === undefined || names === wanted.common_name)
  );
}

async function listen(
  options: SyslogTcpOptions,
  create: (onSocket: (socket: Socket) => void) => Server,
): Promise<Receiver & { port: number }> {
  const { intake, sourceId } = options;
  const isAllowed = createAddressList(options.addresses);
  const assignId = createIdSequence();
  const ending = new AbortController();
  const open = new Map<Socket, Promise<void>>();

  const server = create((socket) => {
    const address = socket.remoteAddress;
    if (address === undefined || !isAllowed(address)) {
      if (address !== undefined) intake.turnAway(sourceId, 'address-not-allowed', peerAddress(address));
      socket.destroy();
      return;
    }
    const serving = serve({ socket, options, assignId, signal: ending.signal })
      .catch((error: unknown) => options.onError?.(error))
      .finally(() => open.delete(socket));
    open.set(socket, serving);
  });
  server.maxConnections = options.max_connections ?? 256;
  server.on('drop', () => intake.drop(sourceId, 'too-many-connections'));
  server.listen(options.port, options.host);
  await once(server, 'listening');
  server.on('error', (error) => options.onError?.(error));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new TypeError('a TCP server has a port');

  return {
    port: address.port,
    async close() {
      const closed = new Promise<void>((resolve) => {
        server.close(() => resolve());
      });
      // An end of ours: what the sockets hold already is still read and handed over.
      for (const socket of open.keys()) socket.push(null);
      const giveUp = setTimeout(() => ending.abort(), CLOSE_TIMEOUT_MS);
      await Promise.all(open.values());
      clearTimeout(giveUp);
      await closed;
    },
  };
}

/** Reads one connection to its end. Between chunks the socket is not read: that is the backpressure. */
async function serve(options: {
  socket: Socket;
  options: SyslogTcpOptions;
  assignId: () => string;
  signal: AbortSignal;
}): Promise<void> {
  const { socket, assignId, signal } = options;
  const { clock, limiter, intake, sourceId, max_record_bytes } = options.options;
  const peer = peerAddress(socket.remoteAddress);
  const framer = createSyslogFramer(max_record_bytes);
  const take = async (messages: readonly Buffer[]): Promise<boolean> => {
    if (messages.length === 0) return true;
    for (;;) {
      const wait = limiter?.take(messages.length) ?? 0;
      if (wait === 0 || signal.aborted) break;
      await clock.sleep(wait, signal).catch(() => {});
    }
    const received = clock.now();
    const records = messages.map(
      (bytes): RawRecord => ({
        bytes,
        received,
        ...(peer === undefined ? {} : { peer }),
        position: { kind: 'assigned', id: assignId() },
      }),
    );
    const taken = await handOver(options.options, records, signal);
    if (!taken) intake.drop(sourceId, 'shutdown', records.length);
    return taken;
  };
  try {
    for await (const chunk of socket) {
      if (!(await take(framer.push(chunk as Buffer)))) return;
    }
  } catch (error) {
    // A sender that goes away in the middle is no fault of ours; what came before it is kept.
    if ((error as { code?: unknown } | null)?.code !== 'ECONNRESET') options.options.onError?.(error);
  } finally {
    await take(framer.end());
    socket.destroy();
  }
}
