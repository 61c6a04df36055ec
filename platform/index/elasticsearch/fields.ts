// The ECS fields that the index maps by hand, with their ECS types, and what each type is mapped as.
import type { estypes } from '@elastic/elasticsearch';

/** Types of the Elastic Common Schema 9.1 (https://www.elastic.co/docs/reference/ecs). */
type EcsType =
  | 'keyword'
  | 'wildcard'
  | 'match_only_text'
  | 'ip'
  | 'long'
  | 'date'
  | 'boolean'
  | 'constant_keyword';

/** How a field is asked: which of Elasticsearch's types stands behind it. */
export type FieldKind = 'keyword' | 'ip' | 'long' | 'date';

/** Values longer than this are not indexed as one term; searches read them from the event. */
export const LONGEST_TERM = 1_024;
/** The words of every field, in one field of our own. */
export const ALL_TEXT = 'picket.text';
/** True for an event that the mapping cannot hold: it stands whole in `picket.raw`, and is read for every question. */
export const UNMAPPED = 'picket.unmapped';
export const RAW = 'picket.raw';

const prefixed = (prefix: string, names: string): string[] =>
  names.split(' ').map((name) => `${prefix}.${name}`);

/** Field sets of ECS as our sources fill them; what else an event has is mapped as a keyword when it first comes. */
const FIELDS: Readonly<Record<EcsType, readonly string[]>> = {
  date: [
    '@timestamp',
    ...prefixed('event', 'created start end ingested'),
    ...prefixed('process', 'start end parent.start'),
    ...prefixed('file', 'created mtime ctime accessed'),
    'picket.received',
  ],
  ip: [
    ...prefixed('source', 'ip nat.ip'),
    ...prefixed('destination', 'ip nat.ip'),
    'client.ip',
    'server.ip',
    'host.ip',
    'observer.ip',
    'related.ip',
    'dns.resolved_ip',
  ],
  long: [
    ...prefixed('source', 'port bytes packets nat.port'),
    ...prefixed('destination', 'port bytes packets nat.port'),
    ...prefixed('client', 'port bytes packets'),
    ...prefixed('server', 'port bytes packets'),
    ...prefixed('network', 'bytes packets'),
    ...prefixed('event', 'duration severity sequence risk_score'),
    ...prefixed('process', 'pid exit_code thread.id parent.pid parent.thread.id'),
    ...prefixed(
      'http',
      'response.status_code response.bytes response.body.bytes request.bytes request.body.bytes',
    ),
    ...prefixed('file', 'size'),
    'url.port',
    'picket.schema',
  ],
  boolean: [],
  constant_keyword: [],
  match_only_text: ['message', 'error.message', 'error.stack_trace'],
  wildcard: [
    ...prefixed('process', 'command_line parent.command_line'),
    ...prefixed('url', 'full original path query'),
    ...prefixed('registry', 'data.strings'),
    'http.request.body.content',
    'http.response.body.content',
  ],
  keyword: [
    ...prefixed('ecs', 'version'),
    ...prefixed('event', 'id kind category type action outcome module dataset provider code reason original'),
    ...prefixed(
      'host',
      'name hostname id os.name os.version os.family os.platform os.type architecture domain mac',
    ),
    ...prefixed('user', 'name id domain email full_name roles'),
    ...prefixed('user', 'effective.name effective.id effective.domain target.name target.id target.domain'),
    ...prefixed('user', 'changes.name group.name group.id'),
    ...prefixed(
      'process',
      'name executable args working_directory title entity_id hash.md5 hash.sha1 hash.sha256',
    ),
    ...prefixed(
      'process',
      'pe.original_file_name pe.product pe.description pe.company pe.file_version env_vars',
    ),
    ...prefixed('process', 'parent.name parent.executable parent.args parent.entity_id parent.title'),
    ...prefixed(
      'file',
      'name path directory extension hash.md5 hash.sha1 hash.sha256 target_path owner mode',
    ),
    ...prefixed('dll', 'name path hash.sha256 code_signature.status code_signature.subject_name'),
    ...prefixed('registry', 'path key value hive data.type'),
    ...prefixed('service', 'name type id'),
    ...prefixed('source', 'address domain mac user.name'),
    ...prefixed('destination', 'address domain mac user.name'),
    ...prefixed('client', 'address domain'),
    ...prefixed('server', 'address domain'),
    ...prefixed('network', 'transport protocol type direction iana_number application community_id'),
    ...prefixed('dns', 'question.name question.type response_code type id header_flags'),
    ...prefixed('url', 'domain scheme username fragment'),
    ...prefixed('http', 'request.method request.referrer version'),
    ...prefixed('user_agent', 'original name'),
    ...prefixed('tls', 'version cipher server_name client.ja3 server.ja3s client.subject server.subject'),
    ...prefixed('observer', 'name type vendor product hostname'),
    ...prefixed('container', 'id name runtime image.name image.tag image.hash.all'),
    ...prefixed(
      'orchestrator',
      'type namespace cluster.name cluster.url resource.type resource.name resource.id',
    ),
    ...prefixed('cloud', 'provider region account.id account.name instance.id service.name'),
    ...prefixed('rule', 'id name category ruleset version'),
    ...prefixed('threat', 'framework technique.id technique.name tactic.id tactic.name'),
    ...prefixed('vulnerability', 'id severity category scanner.vendor'),
    ...prefixed('package', 'name version type path'),
    ...prefixed('log', 'level logger file.path syslog.appname syslog.hostname'),
    ...prefixed('related', 'hosts user hash'),
    ...prefixed('error', 'code type id'),
    ...prefixed('group', 'name id domain'),
    ...prefixed('winlog', 'channel event_id provider_name computer_name logon.id logon.type'),
    ...prefixed('picket', 'tenant site.id site.tier jurisdiction class source.id source.type time'),
    'tags',
  ],
};

/** Not every build has every type: what ECS asks for is mapped down to what all have. */
const MAPPED_AS: Readonly<Record<EcsType, FieldKind>> = {
  keyword: 'keyword',
  wildcard: 'keyword',
  match_only_text: 'keyword',
  constant_keyword: 'keyword',
  boolean: 'keyword',
  ip: 'ip',
  long: 'long',
  date: 'date',
};

const KINDS: ReadonlyMap<string, FieldKind> = new Map(
  (Object.entries(FIELDS) as [EcsType, readonly string[]][]).flatMap(([type, names]) =>
    names.map((name): [string, FieldKind] => [name, MAPPED_AS[type]]),
  ),
);

/** How a field is mapped; one that nobody declared is a keyword wherever it is mapped at all. */
export function kindOf(field: string): FieldKind {
  return KINDS.get(field) ?? 'keyword';
}

/** Mapped from the beginning, so that no limit on fields leaves it out. */
export function isDeclared(field: string): boolean {
  return KINDS.has(field);
}

/** Names that mean something else to Elasticsearch, or are ours: what an event has under them is only read. */
export function isUnasked(field: string): boolean {
  return (
    field.startsWith('_') ||
    [ALL_TEXT, UNMAPPED, RAW].some((own) => field === own || field.startsWith(`${own}.`)) ||
    (field.endsWith('.keyword') && kindOf(field.slice(0, -'.keyword'.length)) === 'ip')
  );
}

/** The field whose terms are the values' texts; undefined where a field keeps none. */
export function termsOf(field: string): string | undefined {
  const kind = kindOf(field);
  return kind === 'keyword' ? field : kind === 'ip' ? `${field}.keyword` : undefined;
}

const KEYWORD = { type: 'keyword', ignore_above: LONGEST_TERM } as const;

function mapField(kind: FieldKind): estypes.MappingProperty {
  const copy_to = ALL_TEXT;
  switch (kind) {
    case 'keyword':
      return { ...KEYWORD, copy_to };
    case 'ip':
      return { type: 'ip', ignore_malformed: true, copy_to, fields: { keyword: KEYWORD } };
    case 'long':
      // Not coerced: 1.5 is not 1, and the text "200" is looked for in the event.
      return { type: 'long', ignore_malformed: true, coerce: false, copy_to };
    case 'date':
      return { type: 'date', ignore_malformed: true, copy_to };
  }
}

/** The mapping of an index of events: ECS as declared, further scalars as keywords, within bounds. */
export function eventMapping(): estypes.MappingTypeMapping {
  const properties: Record<string, estypes.MappingProperty> = {};
  for (const [field, kind] of KINDS) place(properties, field.split('.'), mapField(kind));
  // Words are only looked for, one by one: neither how often nor where they stand is asked.
  place(properties, ALL_TEXT.split('.'), {
    type: 'text',
    analyzer: 'standard',
    norms: false,
    index_options: 'docs',
  });
  place(properties, UNMAPPED.split('.'), { type: 'boolean' });
  place(properties, RAW.split('.'), { type: 'object', enabled: false });
  return {
    dynamic: true,
    date_detection: false,
    numeric_detection: false,
    dynamic_templates: ['string', 'long', 'double', 'boolean'].map((type) => ({
      [`${type}s_as_keywords`]: {
        match_mapping_type: type as estypes.MappingMatchType,
        mapping: mapField('keyword'),
      },
    })),
    properties,
  };
}

function place(
  properties: Record<string, estypes.MappingProperty>,
  path: readonly string[],
  mapping: estypes.MappingProperty,
): void {
  const [name, ...rest] = path as [string, ...string[]];
  if (rest.length === 0) {
    properties[name] = mapping;
    return;
  }
  const object = (properties[name] ??= { properties: {} }) as {
    properties: Record<string, estypes.MappingProperty>;
  };
  place(object.properties, rest, mapping);
}
