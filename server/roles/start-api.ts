// The role `api`: the HTTP API and the page, investigations, playbooks and messages to people.
import { X509Certificate } from 'node:crypto';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { investigate } from '../../detect/investigate/investigate.ts';
import { loadQuestions } from '../../detect/investigate/load-questions.ts';
import { startInvestigator } from '../../detect/investigate/start-investigator.ts';
import type { Intake } from '../../ingest/intake.ts';
import { describePlace } from '../../platform/core/errors.ts';
import type { Authority } from '../../platform/identity/authority.ts';
import type { LinkState } from '../../platform/link/link-client.ts';
import { decideRun } from '../../respond/playbooks/decide-run.ts';
import type { PostureDesk } from '../../respond/posture/order-change.ts';
import { type Access, createAccess } from '../api/access.ts';
import { buildApp } from '../api/build-app.ts';
import type { ApiDeps } from '../api/deps.ts';
import { ADDRESS_FILE, type SiteAddress } from '../commands/api-client.ts';
import { PROGRAM_FOLDER } from '../content-path.ts';
import { describeListenError } from '../describe-listen-error.ts';
import type { Endings } from '../endings.ts';
import { feedDeadLetters, feedRecords } from '../feed-again.ts';
import { sumCounters } from '../keep-counters.ts';
import type { OpenSite } from '../open-site.ts';
import { readTls } from '../read-tls.ts';
import type { SiteRules } from '../rules/start-rules.ts';
import { startResponse } from '../start-response.ts';
import { readVersion } from '../version.ts';

export interface RunningApi {
  readonly url: string;
  readonly access: Access;
}

/** @throws PicketError PORT_TAKEN, PORT_REFUSED, and what content says */
export async function startApiRole(
  site: OpenSite,
  options: {
    rules: SiteRules;
    intake: Intake;
    authority: Authority | undefined;
    /** Where children call in; undefined when none may. */
    linkUrl: string | undefined;
    parentLink: () => LinkState | undefined;
    unready: () => readonly string[];
    endings: Endings;
  },
): Promise<RunningApi> {
  const { config, index, records, bus, clock, logger, content } = site;
  const { rules, intake, authority, linkUrl, endings } = options;
  const asked = loadQuestions(content(config.content.investigation));
  for (const { code, message, place } of asked.refused)
    logger.warn({ code, place: describePlace(place) }, message);
  const asking = { index, records, clock, questions: asked.questions };
  const investigator = await site.alone('investigator', () => startInvestigator({ ...asking, logger }));
  endings.add('investigator', () => investigator.stop());
  const ending = new AbortController();
  endings.add('questions', async () => ending.abort());

  const desk: PostureDesk | undefined = authority && { records, clock, tenant: config.tenant, authority };
  if (desk) {
    const response = await site.alone('response', () => startResponse(site, desk));
    endings.add('playbooks and messages', () => response.stop());
  }

  const access = createAccess({ records, clock });
  const deps: ApiDeps = {
    config,
    version: readVersion(),
    started: site.started,
    records,
    index,
    bus,
    totals: () => sumCounters(site),
    clock,
    logger,
    access,
    investigate: (incident, actor) => investigate({ ...asking, incident, actor, signal: ending.signal }),
    decideRun: desk && ((decision) => decideRun({ records, clock, ...decision })),
    desk,
    parentLink: options.parentLink,
    inviteSite:
      authority && linkUrl !== undefined
        ? async (child) => {
            const parent = { site: config.site.id, jurisdiction: config.site.jurisdiction, url: linkUrl };
            const { id, ...about } = child;
            return (await authority.invite({ site: id, ...about, parent })).bundle;
          }
        : undefined,
    revokeSite: authority && ((child) => authority.revoke(child)),
    ruleDesk: rules.desk,
    backtests: rules.backtests,
    packs: rules.packs,
    residencyFolder: content(config.content.residency),
    replay: (source, list) => feedRecords(intake, source, list),
    replayDeadLetters: (filter) => feedDeadLetters({ bus, intake, filter, now: clock.now() }),
    unready: options.unready,
    pageFolder: join(PROGRAM_FOLDER, 'ui', 'dist'),
  };
  const tls = config.listen.tls && readTls(config.listen.tls);
  const app = await buildApp(deps, tls);
  const { host, port } = config.listen;
  const url = await app.listen({ host, port }).catch(describeListenError({ host, port }));
  endings.add('API', () => app.close());
  // The first of the file: what the listener shows. Those that follow are of the CAs that signed it.
  const certificate = tls && new X509Certificate(tls.certificate).toString();
  await keepAddress({ site, access, url, certificate, endings });
  return { url, access };
}

/** Leaves the address and a token for the command line in the data folder. */
async function keepAddress(options: {
  site: OpenSite;
  access: Access;
  url: string;
  certificate: string | undefined;
  endings: Endings;
}): Promise<void> {
  const { site, access, url, certificate, endings } = options;
  const actor = site.process === undefined ? 'cli' : `cli@${site.process}`;
  // The token of an earlier run, which may have ended without a word, is worth nothing from now on.
  await access.retire({ actor });
  const token = await access.createApiToken({ actor, roles: ['admin'] });
  const address: SiteAddress = { url, token, pid: process.pid, ...(certificate ? { certificate } : {}) };
  const file = join(site.config.data, ADDRESS_FILE);
  const text = JSON.stringify(address);
  await writeFile(file, text, { mode: 0o600 });
  endings.add('address file', async () => {
    // Another process of the site may have written its own since.
    if ((await readFile(file, 'utf8').catch(() => '')) === text) await rm(file, { force: true });
  });
}
