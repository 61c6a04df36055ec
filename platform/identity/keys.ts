// Makes keys by node:crypto, off the event loop, and keeps them as PEM files.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { keepSecret } from './secret-files.ts';

const generate = promisify(generateKeyPair);

/** RSA key size of certificates in bits (node-forge reads no elliptic curves). */
export const RSA_BITS = 3072;

/** The RSA-3072 private key of a PEM file, made when there is none. */
export async function keepRsaKey(file: string): Promise<KeyObject> {
  const pem = await keepSecret(file, makeRsaKey);
  return createPrivateKey(pem);
}

/** A new RSA-3072 private key, PKCS #8 PEM. */
export async function makeRsaKey(): Promise<string> {
  const { privateKey } = await generate('rsa', { modulusLength: RSA_BITS });
  return exportPrivateKey(privateKey);
}

/** The Ed25519 private key of a PEM file, made when there is none. */
export async function keepSigningKey(file: string): Promise<KeyObject> {
  const pem = await keepSecret(file, async () => {
    const { privateKey } = await generate('ed25519', {});
    return exportPrivateKey(privateKey);
  });
  return createPrivateKey(pem);
}

export function exportPrivateKey(key: KeyObject): string {
  return key.export({ format: 'pem', type: 'pkcs8' }) as string;
}

/** The public half, PEM (SPKI). */
export function publicKeyPem(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'pem', type: 'spki' }) as string;
}

/** The public half, SPKI DER in base64, as records and messages carry it. */
export function publicKeyBase64(key: KeyObject): string {
  const publicKey = key.type === 'private' ? createPublicKey(key) : key;
  return publicKey.export({ format: 'der', type: 'spki' }).toString('base64');
}

/** @throws Error when it is no SPKI */
export function readPublicKey(base64: string): KeyObject {
  return createPublicKey({ key: Buffer.from(base64, 'base64'), format: 'der', type: 'spki' });
}
