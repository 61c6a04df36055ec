// Live changes as server-sent events: each names a record to read again; Last-Event-ID resumes after a cut.
import type { Collection, RecordChange } from '../../../platform/records/record-store.ts';
import type { Api } from '../api.ts';
import type { ApiDeps } from '../deps.ts';

/** What a page may follow; credentials and the like are not told. */
const FOLLOWED: ReadonlySet<Collection> = new Set<Collection>([
  'alerts',
  'incidents',
  'incident-links',
  'investigations',
  'runs',
  'sites',
  'postures',
  'deliveries',
]);
const KEEP_ALIVE_MS = 15_000;
/** A reader that is further behind is told to read everything again. */
const CATCH_UP_LIMIT = 1_000;
/** A connection that does not take its bytes is cut: it resumes by Last-Event-ID. */
const BUFFER_LIMIT_BYTES = 1_048_576;

export function streamRoutes(api: Api, { records }: ApiDeps): void {
  api.get(
    '/stream',
    {
      schema: { summary: 'Changes as server-sent events', tags: ['stream'], produces: ['text/event-stream'] },
    },
    async (request, reply) => {
      reply.hijack();
      const response = reply.raw;
      response.writeHead(200, {
        'content-type': 'text/event-stream; charset=utf-8',
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      const send = (change: RecordChange): void => {
        if (!FOLLOWED.has(change.collection)) return;
        response.write(`id: ${change.sequence}\nevent: change\ndata: ${JSON.stringify(change)}\n\n`);
        if (response.writableLength > BUFFER_LIMIT_BYTES) response.destroy();
      };
      // Listening begins before the past is read, so that nothing falls between; a change told twice does no harm.
      const stop = records.watch(send);
      const keepAlive = setInterval(() => response.write(': keep-alive\n\n'), KEEP_ALIVE_MS);
      request.raw.once('close', () => {
        clearInterval(keepAlive);
        stop();
      });
      response.write('retry: 1000\n\n');
      const last = Number(request.headers['last-event-id']);
      if (!Number.isSafeInteger(last) || last <= 0) return;
      const missed = await records.changes({ after: last, limit: CATCH_UP_LIMIT });
      if (missed.length === CATCH_UP_LIMIT) response.write('event: reset\ndata: {}\n\n');
      else for (const change of missed) send(change);
    },
  );
}
