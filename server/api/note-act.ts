// Notes what a person or token does in the collection `audit`, before it is done: no act stands without its actor.
import { randomUUID } from 'node:crypto';
import type { FastifyRequest } from 'fastify';
import { SCHEMA_VERSION } from '../../platform/core/schema-version.ts';
import type { Act } from './contract.ts';
import type { ApiDeps } from './deps.ts';
import { principalOf } from './guard.ts';

/** Resolves when the note is on disk. `about` names what is acted on, as texts; an act that then fails stays noted. */
export async function noteAct(
  { records, clock }: Pick<ApiDeps, 'records' | 'clock'>,
  request: FastifyRequest,
  act: {
    readonly kind: Act['kind'];
    readonly about: Readonly<Record<string, string | undefined>>;
    readonly reason?: string;
  },
): Promise<void> {
  const note: Act = {
    schema: SCHEMA_VERSION,
    kind: act.kind,
    actor: principalOf(request).actor,
    at: new Date(clock.now()).toISOString(),
    about: Object.fromEntries(
      Object.entries(act.about).flatMap(([name, text]) => (text === undefined ? [] : [[name, text]])),
    ),
    ...(act.reason === undefined ? {} : { reason: act.reason }),
  };
  await records.create<Act>('audit', `act-${randomUUID()}`, note);
}
