// picket incidents: the cases, one with its risk, what people decide about which alerts stand together, and how long cases take.
import { type Command, Option } from 'commander';
import type { Incident, IncidentLink } from '../../platform/core/incident.ts';
import type { Investigation } from '../../platform/core/investigation.ts';
import type { IncidentDetail, IncidentList } from '../api/contract.ts';
import type { IncidentMetrics } from '../api/incident-contract.ts';
import { printJson, printLine, printTable } from './output.ts';
import { addSiteOptions, connect, type SiteOptions } from './site-options.ts';

const path = (id: string, rest = ''): string => `/api/v1/incidents/${encodeURIComponent(id)}${rest}`;

export function addIncidentsCommands(program: Command): void {
  const incidents = program
    .command('incidents')
    .description('list the incidents, show one, merge and split them, and measure how long they take');

  addSiteOptions(
    incidents
      .command('list', { isDefault: true })
      .description('incidents, the latest changed first')
      .option('--where <kql>', 'only those that match, as `status: open and level: critical`')
      .option('--limit <n>', 'how many', '50'),
  ).action(async (options: SiteOptions & { where?: string; limit: string }) => {
    const api = await connect(options);
    const query = new URLSearchParams({
      limit: options.limit,
      ...(options.where === undefined ? {} : { where: options.where }),
    });
    const list = await api.call<IncidentList>('GET', `/api/v1/incidents?${query.toString()}`);
    if (options.json) printJson(list);
    else if (list.incidents.length === 0) printLine('no incidents');
    else
      printTable(
        list.incidents.map(({ id, level, status, owner, alerts, sites, title }) => ({
          id,
          level,
          status,
          owner: owner ?? '-',
          alerts: alerts.length,
          sites: sites.join(' '),
          title,
        })),
        ['id', 'level', 'status', 'owner', 'alerts', 'sites', 'title'],
      );
  });

  addSiteOptions(
    incidents
      .command('show')
      .description('one incident: its risk, its alerts and why they stand together')
      .argument('<id>', 'also that of one that was merged away'),
  ).action(async (id: string, options: SiteOptions) => {
    const api = await connect(options);
    const detail = await api.call<IncidentDetail>('GET', path(id));
    if (options.json) printJson(detail);
    else tellIncident(detail);
  });

  const decide = async (
    options: SiteOptions,
    call: { id: string; act: string; body: object },
  ): Promise<void> => {
    const api = await connect(options);
    const link = await api.call<IncidentLink>('POST', path(call.id, call.act), call.body);
    if (options.json) printJson(link);
    else printLine(`decided (${link.id}); the incidents follow within seconds`);
  };
  const reasonText = 'why, kept with who decided it';

  addSiteOptions(
    incidents
      .command('merge')
      .description('two incidents are one: the older stays, the other leads to it')
      .argument('<id>')
      .argument('<other>')
      .requiredOption('--reason <text>', reasonText),
  ).action(async (id: string, other: string, options: SiteOptions & { reason: string }) =>
    decide(options, { id, act: '/merge', body: { with: other, reason: options.reason } }),
  );

  addSiteOptions(
    incidents
      .command('split')
      .description('set alerts apart from the rest of their incident; one alone is detached')
      .argument('<id>')
      .argument('<alert...>', 'ids of alerts')
      .requiredOption('--reason <text>', reasonText),
  ).action(async (id: string, alerts: string[], options: SiteOptions & { reason: string }) =>
    decide(options, { id, act: '/split', body: { alerts, reason: options.reason } }),
  );

  addSiteOptions(
    incidents
      .command('unmerge')
      .description('take a merge back')
      .argument('<id>')
      .argument('<decision>', 'id of the merge, as `incidents show` lists it')
      .requiredOption('--reason <text>', reasonText),
  ).action(async (id: string, link: string, options: SiteOptions & { reason: string }) =>
    decide(options, { id, act: '/unmerge', body: { link, reason: options.reason } }),
  );

  addSiteOptions(
    incidents
      .command('investigate')
      .description('ask all questions about an incident again, and print the account')
      .argument('<id>')
      .addOption(new Option('--language <code>', 'of the account').choices(['en', 'zh']).default('en')),
  ).action(async (id: string, options: SiteOptions & { language: 'en' | 'zh' }) => {
    const api = await connect(options);
    const found = await api.call<Investigation>('POST', path(id, '/investigate'), {});
    if (options.json) printJson(found);
    else tellInvestigation(found, options.language);
  });

  addSiteOptions(
    incidents
      .command('metrics')
      .description('how long incidents take to detect, acknowledge, contain and close')
      .option('--from <time>', 'made at or after (default: 30 days before --to)')
      .option('--to <time>', 'made before (default: now)'),
  ).action(async (options: SiteOptions & { from?: string; to?: string }) => {
    const api = await connect(options);
    const query = new URLSearchParams({
      ...(options.from === undefined ? {} : { from: options.from }),
      ...(options.to === undefined ? {} : { to: options.to }),
    });
    const metrics = await api.call<IncidentMetrics>('GET', `/api/v1/incidents/metrics?${query.toString()}`);
    if (options.json) {
      printJson(metrics);
      return;
    }
    printLine(`${metrics.incidents} incidents made from ${metrics.from} to ${metrics.to}`);
    printTable(
      (['detect', 'acknowledge', 'contain', 'close'] as const).map((time) => ({
        'time to': time,
        incidents: metrics[time].count,
        median: describeSpan(metrics[time].p50_ms),
        '90th percentile': describeSpan(metrics[time].p90_ms),
      })),
      ['time to', 'incidents', 'median', '90th percentile'],
    );
  });
}

function tellIncident({ incident, risk, links, times }: IncidentDetail): void {
  const { id, title, level, status, owner, verdict } = incident;
  printLine(`${title}\n${id}  ${level}  ${status}  ${owner ?? 'nobody'}${verdict ? `  ${verdict}` : ''}`);
  printLine(`detected after ${describeSpan(times.detect_ms)}; risk ${risk.score} of 100`);
  printTable(
    risk.parts.map(({ part, value, weight, points, reason }) => ({
      part,
      value: value.toFixed(2),
      weight,
      points,
      why: [reason.code, ...Object.values(reason.values)].join(' '),
    })),
    ['part', 'value', 'weight', 'points', 'why'],
  );
  printTable(incident.alerts.map(describeAlert), ['alert', 'level', 'site', 'first', 'rule']);
  for (const { alerts, entity, weight, decision } of incident.joins)
    printLine(
      entity
        ? `${alerts.join(' + ')}: ${entity.type} ${entity.value} (${weight.toFixed(2)})`
        : `${alerts.join(' + ')}: decision ${decision ?? ''}`,
    );
  for (const link of links) printLine(`${link.at} ${link.actor} ${link.kind} (${link.id}): ${link.reason}`);
}

function tellInvestigation({ account, answers, took_ms }: Investigation, language: 'en' | 'zh'): void {
  for (const { text, search } of account) {
    printLine(text[language]);
    if (search) printLine(`    picket search '${search.query}' --since ${search.from} --until ${search.to}`);
  }
  for (const { title, error } of answers)
    if (error) printLine(`${title[language]}: ${error.message} [${error.code}]`);
  printLine(`${answers.length} questions asked in ${took_ms} ms`);
}

function describeAlert({ id, level, site, first, rule_name: rule }: Incident['alerts'][number]) {
  return { alert: id, level, site, first, rule };
}

/** `2 h 5 min`; `-` for what has not come to that. */
function describeSpan(ms: number | undefined): string {
  if (ms === undefined) return '-';
  const seconds = Math.round(ms / 1_000);
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
