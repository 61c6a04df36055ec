// Writes docs/logsources.md from the routes: `node detect/sigma/describe-logsources.ts` after rules/pipelines/logsources.yaml changed.
import { readFileSync, writeFileSync } from 'node:fs';
import { type LogsourceRoutes, parseLogsourceRoutes } from './logsource-routes.ts';

type When = LogsourceRoutes['routes'][number]['when'];

/** The page, Markdown; a test holds the committed one equal to it. */
export function describeLogsources(routes: LogsourceRoutes): string {
  const { signals, families } = routes;
  const rows = routes.routes
    .map(({ product = '', category = '', service = '', when }) => ({ product, category, service, when }))
    .sort((one, other) => keyOf(one).localeCompare(keyOf(other)))
    .map(
      ({ product, category, service, when }) =>
        `| ${product} | ${category} | ${service} | ${describeWhen(when)} |`,
    );
  return `# Logsources

Generated from \`rules/pipelines/logsources.yaml\` by \`node detect/sigma/describe-logsources.ts\`; do not edit. How routing works: [sigma.md](sigma.md#routing).

A rule is fed by a line when all that its \`logsource\` says stands on it: \`category: webserver\` by every line of that category, whatever the product. Every logsource of SigmaHQ has a line.

## What an event says of its origin

| signal | normalised events | raw events |
|---|---|---|
${Object.entries(signals)
  .map(([name, { ecs, raw }]) => `| ${name} | ${list(ecs)} | ${list(raw)} |`)
  .join('\n')}

## Which product an event is of

The first line that holds; all signals of one alternative must be there.

| product | when |
|---|---|
${families.map(({ product, when }) => `| ${product} | ${describeWhen(when)} |`).join('\n')}

## Which events feed a logsource

A signal that an event lacks is not held against it.

| product | category | service | when |
|---|---|---|---|
${rows.join('\n')}
`;
}

function keyOf({
  product,
  category,
  service,
}: {
  product: string;
  category: string;
  service: string;
}): string {
  return [product, category, service].join('\u0001');
}

function list(names: readonly string[]): string {
  return names.map((name) => `\`${name}\``).join(', ');
}

function describeWhen(when: When): string {
  return when
    .map((entry) =>
      Object.entries(entry)
        .map(([signal, patterns]) => `${signal} ${list(patterns)}`)
        .join(' and '),
    )
    .join('; ');
}

if (import.meta.main) {
  const file = new URL('../../rules/pipelines/logsources.yaml', import.meta.url);
  const routes = parseLogsourceRoutes({ text: readFileSync(file, 'utf8'), file: 'logsources.yaml' });
  writeFileSync(new URL('../../docs/logsources.md', import.meta.url), describeLogsources(routes));
}
