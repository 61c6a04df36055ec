// Running the site: counters, dead letters and their replay, and records fed in by hand.
import { z } from 'zod';
import { type DeadLetter, listLatestDeadLetters } from '../../../platform/bus/replay-dead-letters.ts';
import { PicketError } from '../../../platform/core/errors.ts';
import type { Delivery } from '../../../respond/notify/deliver.ts';
import type { Api } from '../api.ts';
import {
  type Act,
  ActList,
  CounterList,
  DeadLetterList,
  DeadLetterReplay,
  DeadLetterReplayed,
  type DeadLetterView,
  DeliveryList,
  PageQuery,
} from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { noteAct } from '../note-act.ts';
import { listRecords } from './list-records.ts';

const ReplayBody = z.strictObject({
  source: z.string(),
  /** True marks the events as replayed, so that nothing is set off by them. */
  replayed: z.boolean().default(true),
  records: z
    .array(
      z.strictObject({
        /** Raw bytes, base64. */
        bytes: z.string(),
        received: z.iso.datetime().optional(),
        peer: z.string().optional(),
        /** Which of the identical records of the file this is. */
        ordinal: z.number().int().min(0),
        shift_ms: z.number().int().optional(),
      }),
    )
    .max(10_000),
});

export function operationRoutes(api: Api, deps: ApiDeps): void {
  const { bus, clock } = deps;

  api.get(
    '/counters',
    {
      schema: {
        summary: 'Counters by stage and reason',
        tags: ['operations'],
        response: { 200: CounterList },
      },
    },
    async () => ({ counters: await deps.totals() }),
  );

  api.get(
    '/audit',
    {
      schema: {
        summary: 'What persons and tokens did, newest first',
        tags: ['operations'],
        querystring: PageQuery,
        response: { 200: ActList },
      },
    },
    async (request) => {
      const { values, ...page } = await listRecords<Act>({
        records: deps.records,
        collection: 'audit',
        query: request.query,
        sort: 'at',
      });
      return { acts: values, ...page };
    },
  );

  api.get(
    '/deliveries',
    {
      schema: {
        summary: 'Messages to notifiers, with the last fault of those that failed',
        tags: ['operations'],
        querystring: PageQuery,
        response: { 200: DeliveryList },
      },
    },
    async (request) => {
      const { values, ...page } = await listRecords<Delivery>({
        records: deps.records,
        collection: 'deliveries',
        query: request.query,
        sort: 'next_attempt',
      });
      return { deliveries: values, ...page };
    },
  );

  api.get(
    '/dead-letters',
    {
      schema: {
        summary: 'The latest records that could not be worked',
        tags: ['operations'],
        response: { 200: DeadLetterList },
      },
    },
    async () => ({ dead_letters: (await listLatestDeadLetters({ bus, limit: 1_000 })).map(viewOf) }),
  );

  api.get(
    '/sources',
    {
      schema: {
        summary: 'Configured sources',
        tags: ['operations'],
        response: { 200: z.object({ sources: z.array(z.object({ id: z.string(), format: z.string() })) }) },
      },
    },
    () => ({ sources: deps.config.sources.map(({ id, format }) => ({ id, format })) }),
  );

  api.post(
    '/dead-letters/replay',
    {
      schema: {
        summary: 'Feed dead letters in again, after a fix',
        tags: ['operations'],
        body: DeadLetterReplay,
        response: { 200: DeadLetterReplayed },
      },
    },
    async (request) => {
      await noteAct(deps, request, { kind: 'dead-letters-replayed', about: { ...request.body } });
      return deps.replayDeadLetters(request.body);
    },
  );

  api.post(
    '/replay',
    {
      schema: {
        summary: 'Feed recorded raw records of a source in',
        tags: ['operations'],
        body: ReplayBody,
        response: { 200: z.object({ accepted: z.number(), rejected: z.number(), events: z.number() }) },
      },
    },
    async (request) => {
      const { source, replayed, records } = request.body;
      if (!deps.config.sources.some(({ id }) => id === source)) {
        throw new PicketError({ code: 'SOURCE_UNKNOWN', message: `this site has no source ${source}` });
      }
      await noteAct(deps, request, {
        kind: 'records-replayed',
        about: { source, records: String(records.length), live: String(!replayed) },
      });
      return deps.replay(
        source,
        records.map(({ bytes, received, ...rest }) => ({
          ...rest,
          bytes: Buffer.from(bytes, 'base64'),
          received: received === undefined ? clock.now() : Date.parse(received),
          replayed,
        })),
      );
    },
  );
}

/** Bytes of a letter that are shown. */
const PREVIEW_BYTES = 2_000;

function viewOf(letter: DeadLetter): z.infer<typeof DeadLetterView> {
  const { id, at, source, stage, code, reason, place, replayed, message } = letter;
  return {
    id,
    at: new Date(at).toISOString(),
    source,
    stage,
    code,
    message: reason,
    ...(place === undefined ? {} : { place }),
    bytes: message.value.length,
    preview: new TextDecoder().decode(message.value.subarray(0, PREVIEW_BYTES)),
    replayed,
  };
}
