// Writes docs/configuration.md from the schemas: `node server/describe-configuration.ts` after a key changed.
import { writeFileSync } from 'node:fs';
import { z } from 'zod';
import { meanings } from './describe-configuration/meanings.ts';
import { SiteConfig } from './site-config.ts';

/** What we read of a JSON Schema that zod makes of our schemas. */
interface Schema {
  type?: string;
  const?: unknown;
  enum?: unknown[];
  default?: unknown;
  pattern?: string;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  properties?: Record<string, Schema>;
  required?: string[];
  items?: Schema;
  oneOf?: Schema[];
}

/** One key of the configuration; `path` has `[]` for each element of a list and `(type)` for a variant. */
export interface ConfigurationKey {
  readonly path: string;
  readonly type: string;
  /** JSON, `required`, or empty for what may be left out. */
  readonly standard: string;
  readonly unit: string;
}

const UNITS: readonly (readonly [RegExp, string])[] = [
  [/_ms$/, 'ms'],
  [/_bytes$/, 'bytes'],
  [/_per_s$/, 'records/s'],
  [/_records$/, 'records'],
  [/\.days$/, 'days'],
];

/** Every key, in the order of the schema. */
export function listKeys(): ConfigurationKey[] {
  return [...walk(z.toJSONSchema(SiteConfig, { io: 'input', unrepresentable: 'any' }) as Schema, '')];
}

function* walk(schema: Schema, path: string): Generator<ConfigurationKey> {
  for (const [name, child] of Object.entries(schema.properties ?? {})) {
    const key = path === '' ? name : `${path}.${name}`;
    const standard =
      child.default !== undefined
        ? JSON.stringify(child.default)
        : schema.required?.includes(name)
          ? 'required'
          : '';
    yield {
      path: key,
      type: typeOf(child),
      standard: standard === '{}' ? '' : standard,
      unit: UNITS.find(([pattern]) => pattern.test(key))?.[1] ?? '',
    };
    yield* inside(child, key);
  }
}

function* inside(schema: Schema, path: string): Generator<ConfigurationKey> {
  if (schema.properties) yield* walk(schema, path);
  if (schema.items) yield* inside(schema.items, `${path}[]`);
  const name = discriminatorOf(schema.oneOf ?? []);
  for (const variant of schema.oneOf ?? []) {
    const { [name]: told, ...others } = variant.properties ?? {};
    yield* walk({ ...variant, properties: others }, `${path}(${String(told?.const)})`);
  }
}

/** The key by which variants are told apart. */
function discriminatorOf(variants: readonly Schema[]): string {
  const tells = (name: string): boolean =>
    variants.every(({ properties }) => properties?.[name]?.const !== undefined);
  return ['type', 'engine'].find(tells) ?? 'type';
}

function typeOf(schema: Schema): string {
  const { type, items, oneOf, minimum, maximum, exclusiveMinimum } = schema;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum) return schema.enum.map(code).join(', ');
  if (oneOf) {
    const name = discriminatorOf(oneOf);
    return `one of ${name} ${oneOf.map((variant) => code(variant.properties?.[name]?.const)).join(', ')}`;
  }
  if (type === 'array') return items?.properties || items?.oneOf ? 'list' : `list of ${typeOf(items ?? {})}`;
  if (type === 'object') return 'mapping';
  if (type !== 'integer' && type !== 'number') return type ?? 'any';
  const bounded = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER;
  if (bounded) return `${type}, ${minimum ?? 0} to ${maximum}`;
  if (exclusiveMinimum !== undefined) return `${type} above ${exclusiveMinimum}`;
  return minimum === undefined ? type : `${type} from ${minimum}`;
}

const code = (value: unknown): string => `\`${String(value)}\``;

/** The page, Markdown; a test holds the committed one equal to it, and a meaning to every key. */
export function describeConfiguration(): string {
  const rows = listKeys().map(
    ({ path, type, standard, unit }) =>
      `| \`${path}\` | ${type} | ${standard === '' || standard === 'required' ? standard : `\`${standard}\``} | ${unit} | ${meanings[path] ?? ''} |`,
  );
  return `# Configuration of a site

Generated from the schemas by \`node server/describe-configuration.ts\`; do not edit. What each source format takes under \`parameters\`, and an example of each, is in [sources.md](sources.md).

One YAML file a site: \`picket up --site FILE\` runs it, \`picket check FILE\` names every problem at once with file, line and key, and starts nothing.

\`\`\`yaml
tenant: acme
site: { id: factory-lyon, name: Factory Lyon, tier: edge, jurisdiction: eu-fr }
data: /var/lib/picket
listen: { port: 7010 }
ingest: { host: 10.20.0.5, port: 7011 }
parent: { bundle_file: /etc/picket/bundle.txt }
sources:
  - id: cluster-audit
    format: kubernetes-audit
    receivers: [{ type: http }]
    access: { token: { $env: CLUSTER_AUDIT_TOKEN } }
    parameters: { cluster: plant-7 }
respond:
  executor: { type: nft }
  protected_networks: [10.20.0.0/16]
\`\`\`

- Unknown keys are refused. Units stand in the names.
- \`{ $env: NAME }\` and \`{ $file: PATH }\` stand for a secret wherever a text is wanted.
- An environment variable \`PICKET_CONFIG__a__b=VALUE\` overrides the key \`a.b\`; the value is read as YAML.
- Relative paths start at the folder of the configuration file; those of content (\`content.*\`) are then looked for in the program's folder as well.

In the table, \`[]\` is each element of a list, \`(file)\` what belongs to elements of \`type: file\`, and \`(kafka)\` what belongs to \`engine: kafka\`.

| key | type | default | unit | meaning |
|---|---|---|---|---|
${rows.join('\n')}
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../docs/configuration.md', import.meta.url), describeConfiguration());
}
