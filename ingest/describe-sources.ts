// Writes docs/sources.md from the registry: `node ingest/describe-sources.ts` after an adapter changed.
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { SOURCE_ADAPTERS } from './registry.ts';
import type { SourceAdapter } from './source.ts';
import { DEFAULT_MAX_RECORD_BYTES } from './source-config.ts';

/** The page, Markdown; a test holds the committed one equal to it. */
export function describeSources(adapters: readonly SourceAdapter[]): string {
  const contents = adapters.map(({ id, title }) => `- [${title}](#${anchor(title)}) (\`${id}\`)`);
  return `# Sources

Generated from the adapters by \`node ingest/describe-sources.ts\`; do not edit.

${contents.join('\n')}

${adapters.map(describeSource).join('\n')}`;
}

function describeSource(adapter: SourceAdapter): string {
  const datasets = adapter.datasets.map(
    (dataset) => `| \`${dataset.name}\` | \`${dataset.class}\` | ${dataset.description} |`,
  );
  return `## ${adapter.title}

\`format: ${adapter.id}\`. ${adapter.description}

| dataset | residency class | what it holds |
|---|---|---|
${datasets.join('\n')}

Receivers: ${adapter.receivers.map((receiver) => `\`${receiver}\``).join(', ')}. A record holds at most ${(adapter.max_record_bytes ?? DEFAULT_MAX_RECORD_BYTES) / 1024} KiB unless \`max_record_bytes\` says otherwise.

${describeParameters(adapter)}
\`\`\`yaml
${adapter.example.trimEnd()}
\`\`\`
`;
}

/** The members of `parameters`, from its schema. */
function describeParameters(adapter: SourceAdapter): string {
  const schema = z.toJSONSchema(adapter.parameters, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, { type?: string; enum?: unknown[]; default?: unknown; description?: string }>;
  };
  const rows = Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const kind = property.enum
      ? property.enum.map((value) => `\`${String(value)}\``).join(', ')
      : (property.type ?? 'any');
    const standard = property.default === undefined ? '' : `\`${JSON.stringify(property.default)}\``;
    return `| \`${name}\` | ${kind} | ${standard} | ${property.description ?? ''} |`;
  });
  if (rows.length === 0) return 'It has no parameters.\n';
  return `| parameter | type | default | meaning |\n|---|---|---|---|\n${rows.join('\n')}\n`;
}

/** A heading's anchor as GitHub makes it. */
function anchor(title: string): string {
  return title
    .toLowerCase()
    .replaceAll(/[^a-z0-9 -]/g, '')
    .replaceAll(' ', '-');
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/sources.md', import.meta.url), describeSources(SOURCE_ADAPTERS));
}
