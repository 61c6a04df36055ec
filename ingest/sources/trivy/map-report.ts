// A Trivy report as ECS: one event of the scan itself and one of each finding.
import type { JsonObject } from '../../../platform/core/event.ts';
import { parseTime } from '../../parse-time.ts';
import { asObject } from '../../read-value.ts';
import type { EventDraft } from '../../source.ts';
import { FINDINGS } from './map-findings.ts';
import { type TrivyReport, TrivyResult } from './schema.ts';

const DIGEST = /@(sha256:[0-9a-f]{64})$/;
const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const;

/** What all events of a report share; made anew for each, since a draft owns its fields. */
function sharedFields(report: TrivyReport): JsonObject {
  const { Metadata: metadata } = report;
  const fields: JsonObject = {
    observer: {
      vendor: 'Aqua Security',
      product: 'Trivy',
      type: 'scanner',
      ...(report.Trivy?.Version === undefined ? {} : { version: report.Trivy.Version }),
    },
  };
  if (report.ArtifactType === 'container_image' || metadata?.ImageID !== undefined) {
    fields['container'] = { image: imageOf(report) };
  }
  return fields;
}

function imageOf(report: TrivyReport): JsonObject {
  const { Metadata: metadata } = report;
  const digests = (metadata?.RepoDigests ?? [])
    .map((name) => DIGEST.exec(name)?.[1])
    .filter((found) => found !== undefined);
  const named = /^(.+?)(?::([\w][\w.-]{0,127}))?(?:@sha256:[0-9a-f]{64})?$/.exec(report.ArtifactName ?? '');
  const tags = (metadata?.RepoTags ?? [])
    .map((tag) => /:([\w][\w.-]{0,127})$/.exec(tag)?.[1])
    .filter((tag) => tag !== undefined);
  const tag = named?.[2] === undefined ? tags : [...new Set([named[2], ...tags])];
  return {
    ...(named?.[1] === undefined ? {} : { name: named[1] }),
    ...(tag.length === 0 ? {} : { tag }),
    ...(digests.length === 0 ? {} : { hash: { all: [...new Set(digests)] } }),
  };
}

/**
 * The drafts of a report, the scan's own first. Findings have no text of their own to keep; the scan's
 * event keeps the report up to `keep_report_bytes` (`text` is undefined above it), with matches of secrets masked.
 */
export function mapTrivyReport(options: { report: TrivyReport; text: string | null }): EventDraft[] {
  const { report } = options;
  const timestamp = parseTime(report.CreatedAt)?.timestamp;
  const drafts: EventDraft[] = [];
  const counts: Record<string, number> = { Vulnerabilities: 0, Misconfigurations: 0, Secrets: 0 };
  const severities: Record<string, number> = {};
  for (const [resultAt, raw] of (report.Results ?? []).entries()) {
    const result = TrivyResult.safeParse(raw);
    if (!result.success) continue;
    for (const { member, map } of FINDINGS) {
      for (const [at, element] of (result.data[member] ?? []).entries()) {
        const finding = asObject(element);
        if (!finding) continue;
        const fields = map({ finding, result: result.data, report });
        counts[member] = (counts[member] ?? 0) + 1;
        const severity = typeof finding['Severity'] === 'string' ? finding['Severity'] : 'UNKNOWN';
        severities[severity] = (severities[severity] ?? 0) + 1;
        drafts.push({
          dataset: 'trivy.findings',
          timestamp,
          part: `${resultAt}/${member}/${at}`,
          fields: { ...sharedFields(report), ...fields },
          original: null,
        });
      }
    }
  }
  return [scanDraft({ report, timestamp, counts, severities, text: options.text }), ...drafts];
}

function scanDraft(options: {
  report: TrivyReport;
  timestamp: number | undefined;
  counts: Record<string, number>;
  severities: Record<string, number>;
  text: string | null;
}): EventDraft {
  const { report, counts, severities } = options;
  const { Metadata: metadata } = report;
  return {
    dataset: 'trivy.reports',
    timestamp: options.timestamp,
    part: 'report',
    fields: {
      ...sharedFields(report),
      event: {
        kind: 'state',
        module: 'trivy',
        category: ['vulnerability'],
        type: ['info'],
        action: 'scan-finished',
      },
      message: `Trivy scanned ${report.ArtifactName ?? 'an artifact'}: ${counts['Vulnerabilities']} vulnerabilities, ${counts['Misconfigurations']} misconfigurations, ${counts['Secrets']} secrets`,
      trivy: {
        report: {
          schema_version: report.SchemaVersion,
          ...(report.ReportID === undefined ? {} : { id: report.ReportID }),
          ...(report.ArtifactName === undefined ? {} : { artifact_name: report.ArtifactName }),
          ...(report.ArtifactType === undefined ? {} : { artifact_type: report.ArtifactType }),
          ...(metadata?.ImageID === undefined ? {} : { image_id: metadata.ImageID }),
          ...(metadata?.OS === undefined
            ? {}
            : {
                os: { family: metadata.OS.Family, version: metadata.OS.Name, end_of_life: metadata.OS.EOSL },
              }),
          vulnerabilities: counts['Vulnerabilities'],
          misconfigurations: counts['Misconfigurations'],
          secrets: counts['Secrets'],
          severity: Object.fromEntries(SEVERITIES.map((name) => [name.toLowerCase(), severities[name] ?? 0])),
        },
      },
    },
    original: options.text,
  };
}
