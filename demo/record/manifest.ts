/** Writes demo/recordings/manifest.yaml: what each recording is, whose it is, and when it plays. */
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { dump } from 'js-yaml';
import { story } from './story.ts';

const recordings = join(import.meta.dirname, '..', 'recordings');

type Format = 'kubernetes-audit' | 'windows' | 'syslog' | 'netflow' | 'falco' | 'trivy';

interface Part {
  file: string;
  format: Format;
  site: string;
  start_ms: number;
  span_ms: number;
  /** Where its first record stands in the story's own time. */
  story_ms: number;
}

const lyon = story.lyon.site;
const shenzhen = story.shenzhen.site;

/** In the order of the story: scan, deploy, exploit, call out, credentials used. */
const parts: readonly Part[] = [
  { file: 'trivy/hmi-gateway.json', format: 'trivy', site: lyon, start_ms: 1_000, span_ms: 0, story_ms: 0 },
  {
    file: 'kubernetes-audit.ndjson',
    format: 'kubernetes-audit',
    site: lyon,
    start_ms: 3_000,
    span_ms: 36_000,
    story_ms: 10_000,
  },
  {
    file: 'flows/ipfix.ndjson',
    format: 'netflow',
    site: lyon,
    start_ms: 6_000,
    span_ms: 40_000,
    story_ms: 12_000,
  },
  { file: 'falco.ndjson', format: 'falco', site: lyon, start_ms: 20_000, span_ms: 20_000, story_ms: 20_000 },
  {
    file: 'flows/netflow9.ndjson',
    format: 'netflow',
    site: lyon,
    start_ms: 24_000,
    span_ms: 40_000,
    story_ms: 22_000,
  },
  { file: 'syslog.log', format: 'syslog', site: lyon, start_ms: 38_000, span_ms: 6_000, story_ms: 50_000 },
  {
    file: 'windows.ndjson',
    format: 'windows',
    site: shenzhen,
    start_ms: 48_000,
    span_ms: 16_000,
    story_ms: 55_000,
  },
  {
    file: 'flows/netflow5.ndjson',
    format: 'netflow',
    site: shenzhen,
    start_ms: 54_000,
    span_ms: 20_000,
    story_ms: 100_000,
  },
  {
    file: 'windows-credential-dump.ndjson',
    format: 'windows',
    site: shenzhen,
    start_ms: 60_000,
    span_ms: 8_000,
    story_ms: 200_000,
  },
  {
    file: 'windows-logon.ndjson',
    format: 'windows',
    site: shenzhen,
    start_ms: 66_000,
    span_ms: 10_000,
    story_ms: 212_000,
  },
  {
    file: 'syslog-shenzhen.log',
    format: 'syslog',
    site: shenzhen,
    start_ms: 74_000,
    span_ms: 3_000,
    story_ms: 232_000,
  },
];

/** The field that holds a record's time, per format, as it stands in the raw text. */
const timeFields: Record<Format, RegExp> = {
  'kubernetes-audit': /"stageTimestamp":"([^"]+)"/,
  windows: /"@timestamp": ?"([^"]+)"/,
  syslog: /^<\d+>1 (\S+)/,
  netflow: /"received":"([^"]+)"/,
  falco: /"time":"([^"]+)"/,
  trivy: /"CreatedAt": "([^"]+)"/,
};

async function describePart(part: Part): Promise<object> {
  const text = await readFile(join(recordings, part.file), 'utf8');
  const records = part.format === 'trivy' ? [text] : text.trimEnd().split('\n');
  const times = records
    .map((record) => timeFields[part.format].exec(record)?.[1])
    .filter((time) => time !== undefined)
    .map((time) => Date.parse(time))
    .sort((left, right) => left - right);
  const [first] = times;
  const last = times.at(-1);
  if (first === undefined || last === undefined) throw new Error(`${part.file}: no record has a time`);
  return {
    ...part,
    records: records.length,
    original_start: new Date(first).toISOString(),
    original_end: new Date(last).toISOString(),
  };
}

if (import.meta.main) {
  const sites = [story.lyon, story.shenzhen].map(({ site, jurisdiction }) => ({ id: site, jurisdiction }));
  const files = await Promise.all(parts.map(describePart));
  const heading =
    '# What the demo plays. start_ms: when a file begins in the replay; span_ms: over how long it is played;\n' +
    '# story_ms: where its first record stands in the story, which ended as the demo first started;\n' +
    '# original_start and original_end: the times in its records. Written by demo/record/manifest.ts.\n';
  await writeFile(
    join(recordings, 'manifest.yaml'),
    `${heading}${dump({ sites, recordings: files }, { lineWidth: -1 })}`,
  );
}
