import { describe, expect, test } from 'vitest';
import { maskSecret } from '../../../../ingest/sources/trivy/map-findings.ts';
import type { JsonObject } from '../../../../platform/core/event.ts';
import { eventsOf, outcomesOf, readProjectFile } from '../../normalise-text.ts';

const TEXT = readProjectFile('demo/recordings/trivy/hmi-gateway.json');
type Report = JsonObject & { Results: JsonObject[]; Metadata: JsonObject };
const report = (): Report => JSON.parse(TEXT) as Report;

/** The recorded report as an older Trivy would have written it: what later versions added is taken away. */
const OLDER: readonly [string, (report: Report) => void][] = [
  [
    '0.50',
    (older) => {
      for (const added of ['Trivy', 'ReportID', 'ArtifactID']) delete older[added];
      delete older.Metadata['Reference'];
      for (const result of older.Results) {
        for (const finding of (result['Vulnerabilities'] ?? []) as JsonObject[]) {
          delete finding['Fingerprint'];
          delete finding['VendorIDs'];
          delete finding['PkgIdentifier'];
          finding['PkgRef'] = `pkg:generic/${String(finding['PkgName'])}`;
        }
        for (const finding of (result['Misconfigurations'] ?? []) as JsonObject[]) {
          finding['AVDID'] = 'AVD-DS-0002';
          finding['ID'] = 'DS002';
        }
      }
    },
  ],
  [
    '0.60',
    (older) => {
      for (const added of ['Trivy', 'ReportID', 'ArtifactID']) delete older[added];
    },
  ],
  [
    '0.68',
    (older) => {
      for (const added of ['ReportID', 'ArtifactID']) delete older[added];
      older['Trivy'] = { Version: '0.68.1' };
    },
  ],
];

describe('a recorded report of Trivy 0.74', () => {
  const events = eventsOf('trivy', TEXT);
  const [scan, ...findings] = events;
  const action = (name: string) => findings.filter(({ event }) => event['action'] === name);

  test('gives one event of the scan and one of each finding', () => {
    expect(scan).toMatchObject({
      event: { dataset: 'trivy.reports' },
      trivy: {
        report: { vulnerabilities: action('vulnerability-found').length, misconfigurations: 2, secrets: 1 },
      },
      observer: { version: '0.74.0' },
    });
    const inReport = report()
      .Results.flatMap((result) => [
        result['Vulnerabilities'],
        result['Misconfigurations'],
        result['Secrets'],
      ])
      .flatMap((list) => (list ?? []) as unknown[]);
    expect(findings).toHaveLength(inReport.length);
    expect(new Set(events.map(({ event }) => event.id)).size).toBe(events.length);
  });

  test('every event names the image with its digest', () => {
    for (const event of events) {
      expect(event).toMatchObject({
        picket: { class: 'vulnerability', time: 'ok' },
        container: {
          image: {
            name: 'registry.factory.example/hmi-gateway',
            tag: ['1.4.2'],
            hash: { all: ['sha256:850eb30eedd84823779f2b4ef85fd0cd675230b9915063b965c62d037f3436b8'] },
          },
        },
      });
    }
  });

  test('a vulnerability has id, score, severity and package', () => {
    expect(
      action('vulnerability-found').find((event) => JSON.stringify(event).includes('CVE-2021-44228')),
    ).toMatchObject({
      vulnerability: {
        id: 'CVE-2021-44228',
        severity: 'Critical',
        score: { base: 10, version: '3.1' },
        enumeration: 'CVE',
        fixed_version: '2.15.0',
      },
      package: { name: 'org.apache.logging.log4j:log4j-core', version: '2.14.1', type: 'jar' },
      event: { severity: 99 },
    });
  });

  test('a report of 2026 read from a body above the bound keeps no original', () => {
    expect(scan?.event.original).toBeDefined();
    expect(
      eventsOf('trivy', TEXT, { parameters: { keep_report_bytes: 10 } })[0]?.event.original,
    ).toBeUndefined();
    expect(findings.every(({ event }) => event.original === undefined)).toBe(true);
  });

  test.each(OLDER)('as Trivy %s wrote it gives the same findings', (_version, age) => {
    const older = report();
    age(older);
    const read = eventsOf('trivy', older);
    expect(read.map(({ event }) => event['action'])).toEqual(events.map(({ event }) => event['action']));
    expect(read.map((event) => (event['vulnerability'] as JsonObject | undefined)?.['id'])).toEqual(
      events.map((event) => (event['vulnerability'] as JsonObject | undefined)?.['id']),
    );
    expect(
      read
        .filter(({ event }) => event['action'] === 'vulnerability-found')
        .every((event) => (event['package'] as JsonObject)['reference'] !== undefined),
    ).toBe(true);
  });
});

describe('secrets', () => {
  test('the matched text is masked everywhere, also where Trivy did not mask it', () => {
    const leaking = report();
    const secrets = leaking.Results.find((result) => result['Secrets'])?.['Secrets'] as JsonObject[];
    const [secret] = secrets as [JsonObject];
    secret['Match'] = 'AWS_SECRET=hunter2hunter2';
    secret['Code'] = { Lines: [{ Content: 'AWS_SECRET=hunter2hunter2' }] };
    expect(JSON.stringify(eventsOf('trivy', leaking))).not.toContain('hunter2');
  });

  test.each([
    ['KEY=abc', 'KEY=***'],
    ['  export TOKEN: "x"', 'TOKEN=***'],
    ['-----BEGIN RSA PRIVATE KEY-----', '***'],
    ['ghp_abcdef', '***'],
  ])('%s is kept as %s', (match, masked) => expect(maskSecret(match)).toBe(masked));
});

describe('what is no report', () => {
  test.each([
    [{}, 'TRIVY_NOT_REPORT'],
    [{ SchemaVersion: '2' }, 'TRIVY_NOT_REPORT'],
    [{ SchemaVersion: 1 }, 'TRIVY_SCHEMA_VERSION'],
  ])('%j is refused as %s', (content, code) => {
    expect(outcomesOf('trivy', content)).toEqual([expect.objectContaining({ kind: 'rejected', code })]);
  });

  test('a report without results is a scan that found nothing', () => {
    expect(eventsOf('trivy', { SchemaVersion: 2, Results: null }).map(({ event }) => event.dataset)).toEqual([
      'trivy.reports',
    ]);
    expect(
      eventsOf('trivy', { SchemaVersion: 2, Results: [5, { Vulnerabilities: 'x', Secrets: [7, null] }] }),
    ).toHaveLength(1);
  });
});

describe('reports of Trivy 0.50 to 0.60, from its own tests', () => {
  test('a vulnerability names its package, its fix and its scores', () => {
    const [scan, finding, ...more] = eventsOf(
      'trivy',
      readProjectFile('test/fixtures/trivy/alpine-vulnerability.json'),
    );
    expect(more).toEqual([]);
    expect(scan).toMatchObject({
      '@timestamp': '2021-08-25T12:20:30.000Z',
      trivy: {
        report: { vulnerabilities: 1, os: { family: 'alpine', version: '3.10.2', end_of_life: true } },
      },
    });
    expect(scan?.['observer']).not.toHaveProperty('version');
    expect(finding).toMatchObject({
      event: { dataset: 'trivy.findings', action: 'vulnerability-found' },
      vulnerability: { id: 'CVE-2019-1549', severity: 'Medium' },
      package: { name: 'libcrypto1.1', version: '1.1.1c-r0' },
    });
  });

  test('a misconfiguration of before the ids were renamed keeps the id that rules know', () => {
    const [scan, finding, ...more] = eventsOf(
      'trivy',
      readProjectFile('test/fixtures/trivy/dockerfile-misconfiguration.json'),
    );
    expect(more).toEqual([]);
    expect(scan).toMatchObject({ trivy: { report: { misconfigurations: 1, artifact_type: 'repository' } } });
    expect(JSON.stringify(finding)).toMatch(/DS-?0*2/);
    expect(finding).toMatchObject({ event: { action: 'misconfiguration-found' } });
  });
});
