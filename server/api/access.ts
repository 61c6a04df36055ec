// Who may use the API: one-time sign-in links, sessions in a cookie, and API tokens, all kept only as hashes.
import { createHash, randomBytes } from 'node:crypto';
import type { Clock } from '../../platform/core/clock.ts';
import { errorCode, PicketError } from '../../platform/core/errors.ts';
import { eachRecord, type RecordStore } from '../../platform/records/record-store.ts';

/** Who acts; `actor` stands in every record of an act. */
export interface Principal {
  readonly actor: string;
  readonly roles: readonly string[];
}

interface Credential extends Principal {
  readonly kind: 'sign-in' | 'session' | 'api-token';
  readonly expires: string;
}

const SIGN_IN_LIFE_MS = 24 * 3_600_000;
const SESSION_LIFE_MS = 12 * 3_600_000;
const TOKEN_LIFE_MS = 365 * 86_400_000;

export interface Access {
  /** A token for one sign-in, valid for a day. */
  createSignInToken(principal: Principal): Promise<string>;
  /** Turns a sign-in token into a session; the token is spent. @throws PicketError SIGN_IN_INVALID */
  signIn(token: string): Promise<{ session: string; principal: Principal; life_ms: number }>;
  createApiToken(principal: Principal): Promise<string>;
  /** The principal of a session cookie or bearer token; undefined for unknown and expired ones. */
  identify(secret: string, kind: 'session' | 'api-token'): Promise<Principal | undefined>;
  signOut(session: string): Promise<void>;
  /** Removes what has expired, and every API token of `actor`. */
  retire(options?: { actor?: string }): Promise<void>;
}

/** Credentials in collections `sessions` and `api-tokens`; a record's id is the SHA-256 of its secret. */
export function createAccess({ records, clock }: { records: RecordStore; clock: Clock }): Access {
  const idOf = (secret: string): string => createHash('sha256').update(secret).digest('hex');
  const collectionOf = (kind: Credential['kind']): 'api-tokens' | 'sessions' =>
    kind === 'api-token' ? 'api-tokens' : 'sessions';

  async function issue(kind: Credential['kind'], principal: Principal, life_ms: number): Promise<string> {
    const secret = randomBytes(32).toString('base64url');
    const credential: Credential = {
      ...principal,
      kind,
      expires: new Date(clock.now() + life_ms).toISOString(),
    };
    await records.create(collectionOf(kind), idOf(secret), credential);
    return secret;
  }

  async function find(secret: string, kind: Credential['kind']): Promise<Principal | undefined> {
    const credential = (await records.get<Credential>(collectionOf(kind), idOf(secret)))?.value;
    if (!credential || credential.kind !== kind || Date.parse(credential.expires) <= clock.now())
      return undefined;
    return { actor: credential.actor, roles: credential.roles };
  }

  /** What someone else removed at the same time is removed. */
  async function removeIfThere(
    collection: 'api-tokens' | 'sessions',
    id: string,
    revision: string,
  ): Promise<void> {
    try {
      await records.remove(collection, id, revision);
    } catch (error) {
      if (errorCode(error) !== 'RECORD_CONFLICT') throw error;
    }
  }

  return {
    createSignInToken: (principal) => issue('sign-in', principal, SIGN_IN_LIFE_MS),
    createApiToken: (principal) => issue('api-token', principal, TOKEN_LIFE_MS),
    identify: find,
    async signIn(token) {
      const refused = new PicketError({
        code: 'SIGN_IN_INVALID',
        message: 'this sign-in link was used or has expired',
      });
      const principal = await find(token, 'sign-in');
      const record = await records.get('sessions', idOf(token));
      if (!principal || !record) throw refused;
      try {
        // The removal decides: of two that come at once, one conflicts.
        await records.remove('sessions', record.id, record.revision);
      } catch {
        throw refused;
      }
      return {
        session: await issue('session', principal, SESSION_LIFE_MS),
        principal,
        life_ms: SESSION_LIFE_MS,
      };
    },
    async retire(options = {}) {
      for (const collection of ['sessions', 'api-tokens'] as const) {
        for await (const { id, revision, value } of eachRecord<Credential>(records, collection)) {
          const done =
            Date.parse(value.expires) <= clock.now() ||
            (value.kind === 'api-token' && value.actor === options.actor);
          if (done) await removeIfThere(collection, id, revision);
        }
      }
    },
    async signOut(session) {
      const record = await records.get('sessions', idOf(session));
      if (record) await records.remove('sessions', record.id, record.revision);
    },
  };
}
