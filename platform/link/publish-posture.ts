// Publishes a site's posture at its parent: signed, stored as the current one, and so pushed down the link.
import { z } from 'zod';
import { PicketError } from '../core/errors.ts';
import { Posture, SignedDocument } from '../core/posture.ts';
import type { Authority } from '../identity/authority.ts';
import { POSTURE_CONTEXT } from '../identity/sign-document.ts';
import { type RecordStore, upsertRecord } from '../records/record-store.ts';

/** Collection `postures`, id = site: the signed document with its version beside it. */
export const PublishedPosture = SignedDocument.extend({ version: z.number().int().min(1) });
export type PublishedPosture = z.infer<typeof PublishedPosture>;

/**
 * Signs and stores; the link server sees the change and sends it at once to a connected site, else at its next connect.
 * @throws PicketError POSTURE_VERSION_STALE when the stored version is not below, POSTURE_INVALID
 */
export async function publishPosture(options: {
  records: RecordStore;
  authority: Pick<Authority, 'sign'>;
  posture: Posture;
}): Promise<PublishedPosture> {
  const parsed = Posture.safeParse(options.posture);
  if (!parsed.success) {
    throw new PicketError({
      code: 'POSTURE_INVALID',
      message: parsed.error.issues[0]?.message ?? 'no posture',
    });
  }
  const posture = parsed.data;
  const published: PublishedPosture = {
    ...options.authority.sign(POSTURE_CONTEXT, posture),
    version: posture.version,
  };
  await upsertRecord<PublishedPosture>({
    store: options.records,
    collection: 'postures',
    id: posture.site,
    change: (current) => {
      if (current && current.version >= posture.version) {
        const message = `${posture.site} holds version ${current.version} already`;
        throw new PicketError({ code: 'POSTURE_VERSION_STALE', message });
      }
      return published;
    },
  });
  return published;
}

/** The current posture of a site at its parent, read back; undefined when none was published. */
export async function readPublishedPosture(options: {
  records: RecordStore;
  site: string;
}): Promise<{ published: PublishedPosture; posture: Posture } | undefined> {
  const stored = await options.records.get<PublishedPosture>('postures', options.site);
  if (!stored) return undefined;
  return { published: stored.value, posture: Posture.parse(JSON.parse(stored.value.payload)) };
}
