// Builds the residency report from the ledger: per jurisdiction and site, what stayed, what left, and what was taken out of it.
import { z } from 'zod';
import { allOf, type Expression } from '../../platform/core/expression/expression.ts';
import { Jurisdiction, Slug } from '../../platform/core/names.ts';
import { FieldAct, type ResidencyLedgerEntry } from '../../platform/core/residency-ledger.ts';
import { SCHEMA_VERSION, SchemaVersion } from '../../platform/core/schema-version.ts';
import type { SiteRecord } from '../../platform/core/site.ts';
import { eachRecord, type RecordStore } from '../../platform/records/record-store.ts';
import { findGaps, ReportGap } from './find-gaps.ts';

const Amount = z.object({ records: z.number().int(), bytes: z.number().int() });
export type Amount = z.infer<typeof Amount>;

/** Records of one kind, class, dataset and destination that one rule treated alike. */
export const ReportRow = Amount.extend({
  kind: z.enum(['event', 'alert']),
  class: z.string(),
  dataset: z.string(),
  destination: Jurisdiction,
  rule: z.string(),
  outcome: z.enum(['left', 'stayed']),
});
export type ReportRow = z.infer<typeof ReportRow>;

/** Values of one field that one rule changed before the records left. */
export const FieldRow = z.object({
  class: z.string(),
  field: z.string(),
  act: FieldAct,
  rule: z.string(),
  values: z.number().int(),
});
export type FieldRow = z.infer<typeof FieldRow>;

export const SiteResidency = z.object({
  site: Slug,
  name: z.string(),
  left: Amount,
  stayed: Amount,
  rows: z.array(ReportRow),
  fields: z.array(FieldRow),
  /** Policies in force, oldest first. */
  policies: z.array(
    z.object({
      version: z.string(),
      from: z.iso.datetime(),
      to: z.iso.datetime(),
      entries: z.number().int(),
    }),
  ),
  gaps: z.array(ReportGap),
});
export type SiteResidency = z.infer<typeof SiteResidency>;

export const ResidencyReport = z.object({
  schema: SchemaVersion,
  /** The period asked for; without a bound, all that is known. */
  from: z.iso.datetime().optional(),
  to: z.iso.datetime().optional(),
  made: z.iso.datetime(),
  jurisdictions: z.array(
    z.object({
      jurisdiction: Jurisdiction,
      left: Amount,
      stayed: Amount,
      sites: z.array(SiteResidency),
    }),
  ),
});
export type ResidencyReport = z.infer<typeof ResidencyReport>;

/**
 * Sums the ledger entries that touch the period (`from` and `to`, ISO 8601; entries are not cut in two).
 * Every enrolled site is named, also one of which nothing was heard.
 */
export async function buildResidencyReport(options: {
  records: RecordStore;
  from?: string | undefined;
  to?: string | undefined;
  /** ms since the epoch. */
  now: number;
}): Promise<ResidencyReport> {
  const { records, from, to, now } = options;
  const sites = new Map<string, SiteRecord>();
  for await (const { value } of eachRecord<SiteRecord>(records, 'sites')) sites.set(value.id, value);
  const entries = new Map<string, ResidencyLedgerEntry[]>();
  for (const site of sites.values()) if (site.state !== 'invited') entries.set(site.id, []);
  const period = periodOf({ from, to });
  for await (const { value: entry } of eachRecord<ResidencyLedgerEntry>(
    records,
    'residency-ledger',
    period,
  )) {
    const mine = entries.get(entry.site);
    if (mine) mine.push(entry);
    else entries.set(entry.site, [entry]);
  }
  const jurisdictions = new Map<string, SiteResidency[]>();
  for (const [id, mine] of [...entries].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const site = sites.get(id);
    const jurisdiction = mine[0]?.jurisdiction ?? site?.jurisdiction;
    // A centre keeps a record of itself, and nothing leaves it.
    if (jurisdiction === undefined || (mine.length === 0 && site?.tier === 'centre')) continue;
    const built = buildSite({ id, site, entries: mine, now });
    jurisdictions.set(jurisdiction, [...(jurisdictions.get(jurisdiction) ?? []), built]);
  }
  return {
    schema: SCHEMA_VERSION,
    ...(from === undefined ? {} : { from }),
    ...(to === undefined ? {} : { to }),
    made: new Date(now).toISOString(),
    jurisdictions: [...jurisdictions]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([jurisdiction, built]) => ({
        jurisdiction,
        left: sumAmounts(built.map(({ left }) => left)),
        stayed: sumAmounts(built.map(({ stayed }) => stayed)),
        sites: built,
      })),
  };
}

function periodOf({ from, to }: { from: string | undefined; to: string | undefined }): Expression {
  const parts: Expression[] = [];
  if (from !== undefined)
    parts.push({ op: 'leaf', field: 'to', test: { kind: 'compare', with: 'gte', value: from } });
  if (to !== undefined)
    parts.push({ op: 'leaf', field: 'from', test: { kind: 'compare', with: 'lt', value: to } });
  return allOf(parts);
}

function buildSite(options: {
  id: string;
  site: SiteRecord | undefined;
  entries: readonly ResidencyLedgerEntry[];
  now: number;
}): SiteResidency {
  const { id, site, now } = options;
  const entries = [...options.entries].sort((a, b) => (a.from < b.from ? -1 : a.from > b.from ? 1 : 0));
  const rows = new Map<string, ReportRow>();
  const fields = new Map<string, FieldRow>();
  const policies = new Map<string, SiteResidency['policies'][number]>();
  for (const entry of entries) {
    const { destination, policy_version: version } = entry;
    for (const count of entry.counts) {
      const key = JSON.stringify([
        count.kind,
        count.class,
        count.dataset,
        destination,
        count.rule,
        count.outcome,
      ]);
      const row = rows.get(key);
      if (row) {
        row.records += count.records;
        row.bytes += count.bytes;
      } else rows.set(key, { ...count, destination });
    }
    for (const count of entry.fields) {
      const key = JSON.stringify([count.class, count.field, count.act, count.rule]);
      const row = fields.get(key);
      if (row) row.values += count.values;
      else fields.set(key, { ...count });
    }
    const policy = policies.get(version);
    if (policy) {
      policy.entries++;
      if (entry.to > policy.to) policy.to = entry.to;
    } else policies.set(version, { version, from: entry.from, to: entry.to, entries: 1 });
  }
  const all = [...rows.values()].sort(
    (a, b) => Number(a.outcome < b.outcome) - Number(a.outcome > b.outcome) || b.records - a.records,
  );
  return {
    site: id,
    name: site?.name ?? id,
    left: sumAmounts(all.filter(({ outcome }) => outcome === 'left')),
    stayed: sumAmounts(all.filter(({ outcome }) => outcome === 'stayed')),
    rows: all,
    fields: [...fields.values()].sort((a, b) => b.values - a.values || (a.field < b.field ? -1 : 1)),
    policies: [...policies.values()],
    gaps: findGaps({ site, entries, now }),
  };
}

function sumAmounts(amounts: readonly Amount[]): Amount {
  return amounts.reduce(
    (sum, { records, bytes }) => ({ records: sum.records + records, bytes: sum.bytes + bytes }),
    { records: 0, bytes: 0 },
  );
}
