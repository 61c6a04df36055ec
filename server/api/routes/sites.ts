// Sites: the tree as its root sees it, one site, and inviting a new one.
import { z } from 'zod';
import { PicketError } from '../../../platform/core/errors.ts';
import { allOf, equals } from '../../../platform/core/expression/expression.ts';
import { Jurisdiction, Slug } from '../../../platform/core/names.ts';
import { SCHEMA_VERSION } from '../../../platform/core/schema-version.ts';
import type { SiteRecord } from '../../../platform/core/site.ts';
import type { Api } from '../api.ts';
import { RevokeSite, SiteList, SiteView } from '../contract.ts';
import type { ApiDeps } from '../deps.ts';
import { noteAct } from '../note-act.ts';

/** Heartbeats come every few seconds; after these silences a link is late, then down. */
const LATE_MS = 15_000;
const DOWN_MS = 60_000;

const Invite = z.strictObject({
  id: Slug,
  name: z.string().min(1).max(200).optional(),
  tier: z.enum(['region', 'edge']),
  jurisdiction: Jurisdiction,
});

export function siteRoutes(api: Api, deps: ApiDeps): void {
  const { records, config, clock } = deps;

  const openAlerts = (site: string): Promise<number> =>
    records.count(
      'alerts',
      allOf([equals('site.id', site), equals('status', 'open'), equals('state', 'current')]),
    );

  async function viewOf(record: SiteRecord): Promise<SiteView> {
    const silence = record.last_seen === undefined ? undefined : clock.now() - Date.parse(record.last_seen);
    // Of a site that was cut off nothing is heard any more, however lately it was.
    const cutOff = record.state === 'revoked';
    const link =
      silence === undefined
        ? 'never'
        : cutOff || silence > DOWN_MS
          ? 'down'
          : silence > LATE_MS
            ? 'late'
            : 'up';
    return { ...record, link, open_alerts: await openAlerts(record.id) };
  }

  async function self(): Promise<SiteView> {
    const { id, tier, jurisdiction } = config.site;
    const started = new Date(deps.started).toISOString();
    const parentLink = deps.parentLink();
    return {
      schema: SCHEMA_VERSION,
      id,
      name: config.site.name ?? id,
      tenant: config.tenant,
      tier,
      jurisdiction,
      state: 'enrolled',
      created: started,
      last_seen: new Date(clock.now()).toISOString(),
      link: 'self',
      ...(parentLink ? { parent_link: parentLink } : {}),
      open_alerts: await openAlerts(id),
    };
  }

  async function all(): Promise<SiteView[]> {
    const { records: sites } = await records.query<SiteRecord>('sites', { limit: 10_000 });
    const children = sites.map(({ value }) => value).filter(({ id }) => id !== config.site.id);
    return [await self(), ...(await Promise.all(children.map(viewOf)))];
  }

  api.get(
    '/sites',
    { schema: { summary: 'All sites', tags: ['sites'], response: { 200: SiteList } } },
    async () => ({ sites: await all() }),
  );

  api.get(
    '/sites/:id',
    {
      schema: {
        summary: 'One site',
        tags: ['sites'],
        params: z.object({ id: z.string() }),
        response: { 200: SiteView },
      },
    },
    async (request) => {
      const site = (await all()).find(({ id }) => id === request.params.id);
      if (!site) throw new PicketError({ code: 'NOT_FOUND', message: `no site ${request.params.id}` });
      return site;
    },
  );

  api.post(
    '/sites',
    {
      schema: {
        summary: 'Invite a site: the bundle enrols it once',
        tags: ['sites'],
        body: Invite,
        response: { 201: z.object({ bundle: z.string() }) },
      },
    },
    async (request, reply) => {
      if (!deps.inviteSite)
        throw new PicketError({ code: 'NOT_AT_THIS_SITE', message: 'this site has no `link` for children' });
      const { id, tier, jurisdiction, name } = request.body;
      await noteAct(deps, request, { kind: 'site-invited', about: { site: id, tier, jurisdiction } });
      return reply
        .code(201)
        .send({ bundle: await deps.inviteSite({ id, tier, jurisdiction, name: name ?? id }) });
    },
  );

  api.post(
    '/sites/:id/revoke',
    {
      schema: {
        summary: 'Cut a site off: its certificate and link are refused until it is invited again',
        tags: ['sites'],
        params: z.object({ id: z.string() }),
        body: RevokeSite,
        response: { 200: SiteView },
      },
    },
    async (request) => {
      if (!deps.revokeSite)
        throw new PicketError({ code: 'NOT_AT_THIS_SITE', message: 'this site has no `link` for children' });
      const { id } = request.params;
      const unknown = new PicketError({ code: 'SITE_UNKNOWN', message: `${id} is no child of this site` });
      if (!(await records.get('sites', id))) throw unknown;
      await noteAct(deps, request, {
        kind: 'site-revoked',
        about: { site: id },
        reason: request.body.reason,
      });
      await deps.revokeSite(id);
      const site = (await all()).find((candidate) => candidate.id === id);
      if (!site) throw unknown;
      return site;
    },
  );
}
