// Decides whether a sender may write to a source: token, client certificate, address list; every condition given must hold.
import { hash, timingSafeEqual } from 'node:crypto';
import { parseNetwork } from '../../platform/core/network.ts';
import type { SourceConfig } from '../source-config.ts';

/** What a receiver knows of a sender. */
export interface Sender {
  /** Address without port. */
  readonly peer: string | undefined;
  /** The Authorization header: Bearer, Basic (the password is the token) or ApiKey. */
  readonly authorization?: string | undefined;
  /** Only of a certificate that the listener's CA signed. */
  readonly certificate?: { readonly common_name: string; readonly fingerprint_sha256: string } | undefined;
}

/** Tells which sender may write; made once a source. */
export type Authorise = (sender: Sender) => boolean;

/** A source without any condition lets nobody in. */
export function createAuthorise(config: Pick<SourceConfig, 'access'>): Authorise {
  const { token, token_sha256, client_certificate, addresses } = config.access;
  const wanted = [
    ...(token === undefined ? [] : [hash('sha256', token, 'buffer')]),
    ...(token_sha256 === undefined ? [] : [Buffer.from(token_sha256, 'hex')]),
  ];
  const networks = addresses?.map(parseNetwork).filter((network) => network !== undefined);
  if (wanted.length === 0 && !client_certificate && !networks) return () => false;
  return ({ peer, authorization, certificate }) => {
    if (networks && !(peer !== undefined && networks.some((contains) => contains(peer)))) return false;
    if (client_certificate && !matchesCertificate(client_certificate, certificate)) return false;
    if (wanted.length === 0) return true;
    return readTokens(authorization).some((offered) => {
      const digest = hash('sha256', offered, 'buffer');
      return wanted.some((expected) => timingSafeEqual(expected, digest));
    });
  };
}

function matchesCertificate(
  wanted: NonNullable<SourceConfig['access']['client_certificate']>,
  certificate: Sender['certificate'],
): boolean {
  if (!certificate) return false;
  const { common_name, fingerprint_sha256 } = wanted;
  return (
    (common_name === undefined || common_name === certificate.common_name) &&
    (fingerprint_sha256 === undefined || fingerprint_sha256 === certificate.fingerprint_sha256)
  );
}

/** The tokens that a header may mean: an ApiKey is `base64(id:key)` or the key itself. */
export function readTokens(authorization: string | undefined): string[] {
  const match = /^(Bearer|Basic|ApiKey) +(\S{1,4096})$/i.exec(authorization ?? '');
  const [, scheme = '', value = ''] = match ?? [];
  if (!match) return [];
  if (scheme.toLowerCase() === 'bearer') return [value];
  const decoded = Buffer.from(value, 'base64').toString('utf8');
  const colon = decoded.indexOf(':');
  const secret = colon < 0 ? [] : [decoded.slice(colon + 1)];
  return scheme.toLowerCase() === 'basic' ? secret : [...secret, value];
}

/** The user name of Basic authentication. */
export function readBasicUser(authorization: string | undefined): string | undefined {
  const value = /^Basic +(\S{1,4096})$/i.exec(authorization ?? '')?.[1];
  return value === undefined ? undefined : Buffer.from(value, 'base64').toString('utf8').split(':')[0];
}
