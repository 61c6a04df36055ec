// Trivy JSON reports (schema version 2): one event of the scan and one of each vulnerability, misconfiguration and secret.
import type { z } from 'zod';
import type { JsonObject } from '../../../platform/core/event.ts';
import { createJsonNormaliser, eventOf, rejected } from '../../normalise-json.ts';
import type { SourceAdapter } from '../../source.ts';
import { maskReportSecrets } from './map-findings.ts';
import { mapTrivyReport } from './map-report.ts';
import { TrivyParameters, TrivyReport } from './schema.ts';

export const trivyAdapter: SourceAdapter = {
  id: 'trivy',
  title: 'Trivy',
  description:
    'Reports of `trivy … --format json` of images, file systems and repositories (Trivy 0.5x to 0.7x). What the matched text of a secret says is masked before it is kept.',
  datasets: [
    {
      name: 'trivy.reports',
      class: 'vulnerability',
      description: 'One event a scan, with counts by severity',
    },
    {
      name: 'trivy.findings',
      class: 'vulnerability',
      description: 'Vulnerabilities, misconfigurations and secrets',
    },
  ],
  framing: 'document',
  max_record_bytes: 67_108_864,
  receivers: ['http', 'file'],
  parameters: TrivyParameters as z.ZodType<JsonObject>,
  example: `- id: image-scans
  format: trivy
  receivers:
    - type: http
  access:
    token: { $env: TRIVY_TOKEN }
`,
  createNormaliser(context) {
    const { keep_report_bytes } = TrivyParameters.parse(context.parameters);
    return createJsonNormaliser({
      context,
      map(value, record) {
        const parsed = TrivyReport.safeParse(value);
        if (!parsed.success) {
          return [rejected('TRIVY_NOT_REPORT', 'no Trivy report: SchemaVersion is missing', 'SchemaVersion')];
        }
        if (parsed.data.SchemaVersion !== 2) {
          return [rejected('TRIVY_SCHEMA_VERSION', 'only schema version 2 is read', 'SchemaVersion')];
        }
        maskReportSecrets(value);
        const text = record.bytes.length <= keep_report_bytes ? JSON.stringify(value) : null;
        return mapTrivyReport({ report: parsed.data, text }).map(eventOf);
      },
    });
  },
};
