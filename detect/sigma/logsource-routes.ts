// Which events feed which logsource: reads rules/pipelines/logsources.yaml and routes by what an event says of its origin.
import { z } from 'zod';
import { describeIssue } from '../../platform/core/config.ts';
import { PicketError } from '../../platform/core/errors.ts';
import { type FieldPath, readField, splitField } from '../../platform/core/fields.ts';
import { parseYaml } from '../../platform/core/yaml.ts';
import type { Logsource } from './rule.ts';

const SignalValue = z.union([z.string(), z.number()]).transform((value) => String(value).toLowerCase());
const When = z.array(
  z.record(z.string(), z.union([SignalValue.transform((value) => [value]), z.array(SignalValue)])),
);
const Name = z.string().toLowerCase();

/** The file's schema; see the comment at its head. */
export const LogsourceRoutes = z.strictObject({
  signals: z.record(z.string(), z.strictObject({ ecs: z.array(z.string()), raw: z.array(z.string()) })),
  families: z.array(z.strictObject({ product: Name, when: When })),
  routes: z.array(
    z.strictObject({
      product: Name.optional(),
      category: Name.optional(),
      service: Name.optional(),
      when: When,
    }),
  ),
});
export type LogsourceRoutes = z.infer<typeof LogsourceRoutes>;

/** @throws PicketError LOGSOURCES_INVALID with the place of the first fault, YAML_INVALID */
export function parseLogsourceRoutes(options: { text: string; file: string }): LogsourceRoutes {
  const document = parseYaml(options);
  const parsed = LogsourceRoutes.safeParse(document.value);
  const fail = (message: string, path: readonly string[]): never => {
    throw new PicketError({ code: 'LOGSOURCES_INVALID', message, place: document.placeOf(path) });
  };
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    const [problem] = issue ? describeIssue(issue, document) : [];
    return fail(problem?.message ?? 'not valid', issue?.path.map(String) ?? []);
  }
  for (const part of ['families', 'routes'] as const) {
    parsed.data[part].forEach(({ when }, at) => {
      for (const signal of when.flatMap((entry) => Object.keys(entry))) {
        if (!Object.hasOwn(parsed.data.signals, signal))
          fail(`unknown signal \`${signal}\``, [part, String(at)]);
      }
    });
  }
  return parsed.data;
}

type Said = Readonly<Record<string, string | undefined>>;

function valueMatches(pattern: string, value: string): boolean {
  if (!pattern.includes('*')) return pattern === value;
  const [head = '', ...rest] = pattern.split('*');
  const tail = rest.pop() ?? '';
  return (
    value.length >= head.length + tail.length &&
    value.startsWith(head) &&
    value.endsWith(tail) &&
    rest.every((middle) => value.includes(middle))
  );
}

/** `strict`: every signal of an entry must be said. */
function holds(when: z.infer<typeof When>, said: Said, strict: boolean): boolean {
  return when.some((entry) =>
    Object.entries(entry).every(([signal, patterns]) => {
      const value = said[signal];
      if (value === undefined) return !strict;
      return patterns.some((pattern) => valueMatches(pattern, value));
    }),
  );
}

/** True when everything the rule asks for is what the route provides. */
function provides(route: Logsource, wanted: Logsource): boolean {
  return (['product', 'category', 'service'] as const).every(
    (key) => wanted[key] === undefined || wanted[key] === route[key],
  );
}

/** True when the event's own words name all that the rule asks for. */
function isSaid(wanted: Logsource, hints: Logsource): boolean {
  return (
    (wanted.category !== undefined || wanted.service !== undefined) &&
    (['category', 'service'] as const).every((key) => wanted[key] === undefined || wanted[key] === hints[key])
  );
}

/** Decides which of the given logsources an event feeds, and gives events that feed the same the same key. */
export class LogsourceRouter {
  readonly #routes: LogsourceRoutes;
  readonly #raw: boolean;
  /** In the order of keys: the signal's name and the paths that say it. */
  readonly #signals: readonly { readonly name: string; readonly paths: readonly FieldPath[] }[];

  constructor(options: { routes: LogsourceRoutes; raw: boolean }) {
    this.#routes = options.routes;
    this.#raw = options.raw;
    this.#signals = Object.entries(options.routes.signals)
      .map(([name, { ecs, raw }]) => ({ name, paths: (options.raw ? raw : ecs).map(splitField) }))
      .filter(({ paths }) => paths.length > 0);
  }

  /** Every path that may say something of an event's origin. */
  get signalPaths(): readonly FieldPath[] {
    return this.#signals.flatMap(({ paths }) => paths);
  }

  /** What an event says of its origin, as one text: events with the same key feed the same logsources. */
  keyOf(event: object): string {
    let key = '';
    for (const { paths } of this.#signals) {
      const value = readSignal(event, paths);
      if (value !== undefined) key += value;
      key += '\u0000';
    }
    return key;
  }

  /** For each logsource, whether an event with this key feeds it. */
  select(key: string, logsources: readonly Logsource[]): boolean[] {
    const values = key.toLowerCase().split('\u0000');
    const said: Record<string, string | undefined> = {};
    this.#signals.forEach(({ name }, at) => {
      if (values[at] !== '') said[name] = values[at];
    });
    const hints = this.#readHints(said, logsources);
    const product =
      hints.product ?? this.#routes.families.find(({ when }) => holds(when, said, true))?.product;
    const allowed = (wanted: Logsource): boolean =>
      (['category', 'service'] as const).every(
        (key) => wanted[key] === undefined || hints[key] === undefined || wanted[key] === hints[key],
      );
    if (product === undefined) {
      return logsources.map((wanted) => allowed(wanted) && (this.#raw || this.#feedsUnnamed(wanted, said)));
    }
    const active = this.#routes.routes.filter(
      (route) => route.product === product && holds(route.when, said, false),
    );
    return logsources.map((wanted) => {
      if (!allowed(wanted) || (wanted.product !== undefined && wanted.product !== product)) return false;
      if (wanted.product === product && isSaid(wanted, hints)) return true;
      if (active.some((route) => provides(route as Logsource, wanted))) return true;
      // Only the product is known of a logsource that no route names: all of its events may feed it.
      const bare = wanted.category === undefined && wanted.service === undefined;
      return wanted.product === product && (bare || !this.isRouted(wanted));
    });
  }

  /** What an event says in so many words of its logsource, as far as some rule's logsource has the same word. */
  #readHints(said: Said, logsources: readonly Logsource[]): Logsource {
    if (!this.#raw) return {};
    const hints: { product?: string; category?: string; service?: string } = {};
    for (const key of ['product', 'category', 'service'] as const) {
      const word = said[key];
      if (word !== undefined && logsources.some((wanted) => wanted[key] === word)) hints[key] = word;
    }
    return hints;
  }

  /** True when some route names the logsource: otherwise no configured source surely feeds it. */
  isRouted(wanted: Logsource): boolean {
    return this.#routes.routes.some((route) => provides(route as Logsource, wanted));
  }

  /** A normalised event of no family: its dataset is read as `<product or category>.<service>`. */
  #feedsUnnamed(wanted: Logsource, said: Said): boolean {
    if (this.isRouted(wanted)) return false;
    const [module = '', ...rest] = (said['dataset'] ?? '').split('.');
    if (module === 'ecs' || module === '') return true;
    const name = wanted.product ?? wanted.category ?? wanted.service;
    return (
      name === module &&
      (wanted.service === undefined || rest.length === 0 || wanted.service === rest.join('.'))
    );
  }
}

function readSignal(event: object, paths: readonly FieldPath[]): string | number | undefined {
  for (const path of paths) {
    const value: unknown =
      path.length === 1 ? (event as Record<string, unknown>)[path[0] as string] : readNested(event, path);
    if ((typeof value === 'string' && value !== '') || typeof value === 'number') return value;
  }
  return undefined;
}

function readNested(event: object, path: FieldPath): unknown {
  let node: unknown = event;
  for (const key of path) {
    if (node === null || typeof node !== 'object') return undefined;
    if (!Object.hasOwn(node, key)) return readField(event, path)[0];
    node = (node as Record<string, unknown>)[key];
  }
  return Array.isArray(node) ? (node[0] as unknown) : node;
}
