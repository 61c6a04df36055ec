// Leased changes of all sites, one site's posture, and lifting a change before its time.
import { z } from 'zod';
import { PicketError } from '../../../platform/core/errors.ts';
import type { Incident } from '../../../platform/core/incident.ts';
import type { PlaybookRun } from '../../../platform/core/playbook-run.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import { readPublishedPosture } from '../../../platform/link/publish-posture.ts';
import { upsertRecord } from '../../../platform/records/record-store.ts';
import { liftChange } from '../../../respond/posture/order-change.ts';
import type { Api } from '../api.ts';
import { ChangeList, LiftChange, PostureView } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { findIncident } from '../find-incident.ts';
import { principalOf } from '../guard.ts';
import { listChanges } from '../list-changes.ts';
import { noteAct } from '../note-act.ts';

export function changeRoutes(api: Api, deps: ApiDeps): void {
  const { records, clock, desk } = deps;
  const all = async (): Promise<z.infer<typeof ChangeList>['changes']> => {
    const { records: runs } = await records.query<PlaybookRun>('runs', {
      limit: 1_000,
      sort: { field: 'started', direction: 'desc' },
    });
    return listChanges({ records, now: clock.now(), runs: runs.map(({ value }) => value), everything: true });
  };

  api.get(
    '/changes',
    { schema: { summary: 'Leased changes of all sites', tags: ['changes'], response: { 200: ChangeList } } },
    async () => ({
      changes: await all(),
    }),
  );

  api.post(
    '/sites/:site/changes/:id/lift',
    {
      schema: {
        summary: 'End a change before its lease does',
        tags: ['changes'],
        params: z.object({ site: z.string(), id: z.string() }),
        body: LiftChange,
        response: { 200: PostureView },
      },
    },
    async (request) => {
      if (!desk)
        throw new PicketError({
          code: 'NOT_AT_THIS_SITE',
          message: 'changes are lifted where they are ordered: at the centre',
        });
      const { site, id } = request.params;
      const change = (await all()).find((candidate) => candidate.site === site && candidate.id === id);
      if ((await readPublishedPosture({ records, site }))?.posture.entries.some((entry) => entry.id === id)) {
        const { reason } = request.body;
        await noteAct(deps, request, { kind: 'change-lifted', about: { site, change: id }, reason });
      }
      const posture = await liftChange(desk, site, id);
      if (change?.incident !== undefined) {
        const note = {
          at: new Date(clock.now()).toISOString(),
          actor: principalOf(request).actor,
          kind: 'playbook' as const,
          text: `lifted ${change.action} ${JSON.stringify(change.parameters)} at ${site}: ${request.body.reason}`,
        };
        await upsertRecord<Incident>({
          store: records,
          collection: 'incidents',
          id: (await findIncident(records, change.incident)).id,
          change: (current) => current && { ...current, notes: [...current.notes, note] },
        });
      }
      return { posture };
    },
  );

  api.get(
    '/sites/:id/posture',
    {
      schema: {
        summary: "A site's posture and what it reports",
        tags: ['changes'],
        params: z.object({ id: z.string() }),
        response: { 200: PostureView },
      },
    },
    async (request) => {
      const [posture, site] = await Promise.all([
        readPublishedPosture({ records, site: request.params.id }),
        records.get<SiteRecord>('sites', request.params.id),
      ]);
      return {
        ...(posture ? { posture: posture.posture } : {}),
        ...(site?.value.posture ? { report: site.value.posture } : {}),
      };
    },
  );
}
