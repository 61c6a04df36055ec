// What an HTTP request tells of its sender: address, Authorization header, verified client certificate.
import type { TLSSocket } from 'node:tls';
import type { FastifyRequest } from 'fastify';
import { canonicalAddress } from '../../platform/core/network.ts';
import type { Sender } from './authorise.ts';

/** The sender of a request; a certificate counts only when TLS verified it. */
export function senderOf(request: FastifyRequest): Sender {
  const socket = request.raw.socket as Partial<TLSSocket> & typeof request.raw.socket;
  const certificate =
    socket.authorized === true && typeof socket.getPeerCertificate === 'function'
      ? socket.getPeerCertificate()
      : undefined;
  const name = certificate?.subject?.CN;
  return {
    peer: canonicalAddress(request.raw.socket.remoteAddress ?? ''),
    authorization: request.headers.authorization,
    ...(certificate?.fingerprint256 === undefined
      ? {}
      : {
          certificate: {
            common_name: (Array.isArray(name) ? name[0] : name) ?? '',
            fingerprint_sha256: certificate.fingerprint256.replaceAll(':', '').toLowerCase(),
          },
        }),
  };
}
