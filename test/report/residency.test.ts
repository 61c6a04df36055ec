// The residency report over ledger entries as a keeper stores them.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../platform/core/clock.ts';
import type { ResidencyLedgerEntry } from '../../platform/core/residency-ledger.ts';
import type { SiteRecord } from '../../platform/core/site.ts';
import { openEmbeddedRecords } from '../../platform/records/embedded/open-embedded-records.ts';
import type { RecordStore } from '../../platform/records/record-store.ts';
import { buildResidencyReport, ResidencyReport } from '../../report/residency/build-report.ts';
import { renderResidencyReport } from '../../report/residency/render-html.ts';

let folder: string;
let records: RecordStore;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'picket-report-'));
  records = await openEmbeddedRecords({ folder, clock: systemClock });
});
afterEach(async () => {
  await records.close();
  rmSync(folder, { recursive: true, force: true });
});

function entry(more: Partial<ResidencyLedgerEntry> & { id: string }): ResidencyLedgerEntry {
  return {
    schema: 1,
    tenant: 'acme',
    site: 'factory-lyon',
    jurisdiction: 'eu-fr',
    destination: 'eu-de',
    from: '2026-11-23T10:00:00.000Z',
    to: '2026-11-23T10:05:00.000Z',
    policy_version: 'a'.repeat(64),
    counts: [
      {
        kind: 'event',
        class: 'network-flow',
        dataset: 'netflow.flow',
        rule: 'flows-whole',
        outcome: 'left',
        records: 3,
        bytes: 900,
      },
      {
        kind: 'event',
        class: 'system-log',
        dataset: 'syslog.log',
        rule: 'default',
        outcome: 'stayed',
        records: 1,
        bytes: 100,
      },
    ],
    fields: [
      {
        class: 'control-plane-audit',
        field: 'user.name',
        act: 'hash',
        rule: 'kubernetes-audit-pseudonymised',
        values: 2,
      },
    ],
    ...more,
  };
}

function site(id: string, jurisdiction: string, more: Partial<SiteRecord> = {}): SiteRecord {
  return {
    schema: 1,
    id,
    name: `<b>${id}</b>`,
    tenant: 'acme',
    tier: 'edge',
    jurisdiction,
    state: 'enrolled',
    created: '2026-11-23T09:00:00.000Z',
    ...more,
  };
}
const now = Date.parse('2026-11-23T12:00:00.000Z');

async function fill(): Promise<void> {
  await records.create(
    'sites',
    'factory-lyon',
    site('factory-lyon', 'eu-fr', { last_seen: '2026-11-23T11:00:00.000Z' }),
  );
  await records.create('sites', 'factory-shenzhen', site('factory-shenzhen', 'cn-gd'));
  await records.create('residency-ledger', '1', entry({ id: '1' }));
  await records.create(
    'residency-ledger',
    '2',
    entry({
      id: '2',
      from: '2026-11-23T11:00:00.000Z',
      to: '2026-11-23T11:05:00.000Z',
      policy_version: 'b'.repeat(64),
    }),
  );
}

describe('the residency report', () => {
  it('sums what stayed and left, the fields, the policies and the gaps, by jurisdiction and site', async () => {
    await fill();
    const report = await buildResidencyReport({ records, now });
    expect(ResidencyReport.parse(report)).toEqual(report);
    expect(report.jurisdictions.map(({ jurisdiction }) => jurisdiction)).toEqual(['cn-gd', 'eu-fr']);
    const [china, france] = report.jurisdictions;
    expect(france).toMatchObject({ left: { records: 6, bytes: 1800 }, stayed: { records: 2, bytes: 200 } });
    expect(france?.sites[0]?.fields).toEqual([
      {
        class: 'control-plane-audit',
        field: 'user.name',
        act: 'hash',
        rule: 'kubernetes-audit-pseudonymised',
        values: 4,
      },
    ]);
    expect(france?.sites[0]?.policies).toHaveLength(2);
    expect(france?.sites[0]?.gaps).toEqual([{ kind: 'silent', since: '2026-11-23T11:00:00.000Z' }]);
    expect(china?.sites[0]?.gaps).toEqual([{ kind: 'nothing-reported' }]);
  });

  it('takes entries that touch the period and no others', async () => {
    await fill();
    const report = await buildResidencyReport({
      records,
      from: '2026-11-23T10:30:00.000Z',
      to: '2026-11-23T12:00:00.000Z',
      now,
    });
    expect(report.jurisdictions.find(({ jurisdiction }) => jurisdiction === 'eu-fr')?.left.records).toBe(3);
  });

  it('renders in both languages without script, with everything from a site escaped', async () => {
    await fill();
    const report = await buildResidencyReport({ records, now });
    const english = renderResidencyReport(report, 'en');
    const chinese = renderResidencyReport(report, 'zh');
    for (const html of [english, chinese]) {
      expect(html).not.toMatch(/<script|<b>factory| on\w+=|style="/);
      expect(html).toContain('&lt;b&gt;factory-lyon&lt;/b&gt;');
      expect(html).toContain('flows-whole');
    }
    expect(english).toContain('lang="en"');
    expect(chinese).toContain('数据驻留报告');
    expect(chinese).toContain('lang="zh-CN"');
  });

  it('says so when nothing was reported yet', async () => {
    const html = renderResidencyReport(await buildResidencyReport({ records, now }), 'en');
    expect(html).toContain('No site has reported yet.');
  });
});
