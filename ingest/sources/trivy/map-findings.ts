// The findings of a Trivy report as ECS: vulnerability, misconfiguration, secret (whose text is masked).
import type { JsonObject } from '../../../platform/core/event.ts';
import { asObject, asText, asTexts } from '../../read-value.ts';
import type { TrivyReport, TrivyResult } from './schema.ts';

interface Finding {
  readonly finding: JsonObject;
  readonly result: TrivyResult;
  readonly report: TrivyReport;
}

/** Each kind of finding: the member of a result that lists them and its mapping. */
export const FINDINGS = [
  { member: 'Vulnerabilities', map: mapVulnerability },
  { member: 'Misconfigurations', map: mapMisconfiguration },
  { member: 'Secrets', map: mapSecret },
] as const;

const SEVERITY_SCORE: Readonly<Record<string, number>> = {
  CRITICAL: 99,
  HIGH: 73,
  MEDIUM: 47,
  LOW: 21,
  UNKNOWN: 1,
};

function mapVulnerability({ finding, result }: Finding): JsonObject {
  const score = scoreOf(finding);
  const identifier = asObject(finding['PkgIdentifier']);
  const version = asText(finding['InstalledVersion']);
  const name = asText(finding['PkgName']);
  const id = asText(finding['VulnerabilityID']);
  const fixed = asText(finding['FixedVersion']);
  return defined({
    event: eventOf(finding, 'vulnerability-found'),
    message: `${id ?? 'A vulnerability'} in ${name ?? 'a package'} ${version ?? ''}`.trim(),
    vulnerability: defined({
      id,
      category: [result.Class ?? 'lang-pkgs'],
      classification: score ? 'CVSS' : undefined,
      description: asText(finding['Description']) ?? asText(finding['Title']),
      enumeration: id?.startsWith('CVE-') ? 'CVE' : undefined,
      reference: asText(finding['PrimaryURL']),
      scanner: { vendor: 'Trivy' },
      score: score && defined({ base: score.base, version: score.version, vector: score.vector }),
      severity: severityOf(finding),
      title: asText(finding['Title']),
      published_date: asText(finding['PublishedDate']),
      cwe: nonEmpty(asTexts(finding['CweIDs'])),
      fixed_version: fixed,
      status: asText(finding['Status']) ?? (fixed === undefined ? 'affected' : 'fixed'),
    }),
    package: defined({
      name,
      version,
      type: result.Type,
      path: asText(finding['PkgPath']),
      reference: asText(identifier?.['PURL']) ?? asText(finding['PkgRef']),
      fixed_version: fixed,
    }),
    trivy: { target: result.Target, layer: layerOf(finding) },
  });
}

function mapMisconfiguration({ finding, result }: Finding): JsonObject {
  const cause = asObject(finding['CauseMetadata']);
  return defined({
    event: {
      ...eventOf(finding, 'misconfiguration-found'),
      outcome: finding['Status'] === 'PASS' ? 'success' : 'failure',
    },
    message: asText(finding['Message']) ?? asText(finding['Title']),
    rule: defined({
      id: asText(finding['ID']) ?? asText(finding['AVDID']),
      name: asText(finding['Title']),
      description: asText(finding['Description']),
      reference: asText(finding['PrimaryURL']),
    }),
    vulnerability: {
      severity: severityOf(finding),
      scanner: { vendor: 'Trivy' },
      category: ['misconfiguration'],
    },
    file: result.Target === undefined ? undefined : { path: result.Target },
    trivy: defined({
      target: result.Target,
      type: asText(finding['Type']),
      status: asText(finding['Status']),
      resolution: asText(finding['Resolution']),
      resource: asText(cause?.['Resource']),
      start_line: cause?.['StartLine'],
      end_line: cause?.['EndLine'],
    }),
  });
}

function mapSecret({ finding, result }: Finding): JsonObject {
  return defined({
    event: eventOf(finding, 'secret-found'),
    message: `${asText(finding['Title']) ?? 'A secret'} in ${result.Target ?? 'a file'}`,
    rule: defined({
      id: asText(finding['RuleID']),
      name: asText(finding['Title']),
      category: asText(finding['Category']),
    }),
    vulnerability: { severity: severityOf(finding), scanner: { vendor: 'Trivy' }, category: ['secret'] },
    file: result.Target === undefined ? undefined : { path: result.Target },
    trivy: defined({
      target: result.Target,
      match: maskSecret(asText(finding['Match'])),
      start_line: finding['StartLine'],
      end_line: finding['EndLine'],
      layer: layerOf(finding),
    }),
  });
}

/**
 * Keeps the name before `=` or `:` and nothing of the value. Trivy masks what its rule matched, but a rule
 * of one's own may match too little: no text after the name is trusted to be masked.
 */
export function maskSecret(match: string | undefined): string | undefined {
  if (match === undefined) return undefined;
  const name = /^\s*(?:export\s+)?["']?([A-Za-z_][A-Za-z0-9_.-]{0,63})["']?\s*[:=]/.exec(match)?.[1];
  return name === undefined ? '***' : `${name}=***`;
}

/** The report without what its secrets say, for event.original; changes `report` in place. */
export function maskReportSecrets(report: JsonObject): void {
  for (const result of Array.isArray(report['Results']) ? (report['Results'] as unknown[]) : []) {
    const secrets = asObject(result)?.['Secrets'];
    for (const element of Array.isArray(secrets) ? (secrets as unknown[]) : []) {
      const secret = asObject(element);
      if (!secret) continue;
      if (typeof secret['Match'] === 'string') secret['Match'] = maskSecret(secret['Match']);
      else delete secret['Match'];
      delete secret['Code'];
    }
  }
}

function eventOf(finding: JsonObject, action: string): JsonObject {
  return {
    kind: 'state',
    module: 'trivy',
    category: ['vulnerability'],
    type: ['info'],
    action,
    severity: SEVERITY_SCORE[asText(finding['Severity']) ?? 'UNKNOWN'] ?? 1,
  };
}

/** Elastic's words: Critical, High, Medium, Low, Unknown. */
function severityOf(finding: JsonObject): string {
  const severity = asText(finding['Severity']) ?? 'UNKNOWN';
  return severity.charAt(0).toUpperCase() + severity.slice(1).toLowerCase();
}

/** NVD's score before the vendors', the newest version of CVSS first. */
function scoreOf(
  finding: JsonObject,
): { base: number; version: string; vector?: string | undefined } | undefined {
  const cvss = asObject(finding['CVSS']);
  if (!cvss) return undefined;
  const sources = [cvss['nvd'], cvss[asText(finding['SeveritySource']) ?? ''], ...Object.values(cvss)];
  for (const [member, version] of [
    ['V40', '4.0'],
    ['V3', '3.1'],
    ['V2', '2.0'],
  ] as const) {
    for (const source of sources) {
      const scores = asObject(source);
      const base = scores?.[`${member}Score`];
      if (typeof base !== 'number' || base < 0 || base > 10) continue;
      const vector = asText(scores?.[`${member}Vector`]);
      return { base, version: vector?.startsWith('CVSS:3.0') ? '3.0' : version, vector };
    }
  }
  return undefined;
}

function layerOf(finding: JsonObject): string | undefined {
  const layer = asObject(finding['Layer']);
  return asText(layer?.['Digest']) ?? asText(layer?.['DiffID']);
}

function nonEmpty(texts: string[]): string[] | undefined {
  return texts.length === 0 ? undefined : texts;
}

function defined(object: JsonObject): JsonObject {
  for (const key of Object.keys(object)) if (object[key] === undefined) delete object[key];
  return object;
}
