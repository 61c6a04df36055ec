// Trivy's JSON report, schema version 2 (github.com/aquasecurity/trivy pkg/types/report.go, 0.20 to 0.7x), loose.
import { z } from 'zod';

const text = z.string().min(1).optional().catch(undefined);
const texts = z.array(z.string()).optional().catch(undefined);
const loose = z.looseObject({}).optional().catch(undefined);
const list = z.array(z.unknown()).optional().catch(undefined);

export const TrivyResult = z.looseObject({
  Target: text,
  Class: text,
  Type: text,
  Vulnerabilities: list,
  Misconfigurations: list,
  Secrets: list,
  MisconfSummary: loose,
});
export type TrivyResult = z.infer<typeof TrivyResult>;

export const TrivyReport = z.looseObject({
  SchemaVersion: z.number(),
  /** From 0.68 on. */
  Trivy: z.looseObject({ Version: text }).optional().catch(undefined),
  /** From 0.69 on; unique a scan. */
  ReportID: text,
  /** From 0.49 on. */
  CreatedAt: text,
  ArtifactName: text,
  /** `container_image`, `filesystem`, `repository`, … */
  ArtifactType: text,
  ArtifactID: text,
  Metadata: z
    .looseObject({
      OS: z
        .looseObject({ Family: text, Name: text, EOSL: z.boolean().optional().catch(undefined) })
        .optional()
        .catch(undefined),
      ImageID: text,
      RepoTags: texts,
      RepoDigests: texts,
    })
    .optional()
    .catch(undefined),
  Results: list,
});
export type TrivyReport = z.infer<typeof TrivyReport>;

export const TrivyParameters = z.strictObject({
  /** The report event keeps the whole report in event.original up to this size. */
  keep_report_bytes: z
    .number()
    .int()
    .min(0)
    .default(262_144)
    .describe('the event of the scan keeps the whole report up to this size'),
});
export type TrivyParameters = z.infer<typeof TrivyParameters>;
