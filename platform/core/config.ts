// Loads configuration: YAML, environment overrides, a strict schema, and every problem at once with its file and key path.
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import type { z } from 'zod';
import { describeError, describePlace, PicketError, type Place } from './errors.ts';
import { parseYaml, type YamlDocument } from './yaml.ts';

export interface ConfigProblem {
  code: string;
  message: string;
  place: Place;
}

/** All problems of one load; `message` has one line each. Code CONFIG_INVALID. */
export class ConfigError extends PicketError {
  readonly problems: readonly ConfigProblem[];
  constructor(problems: readonly ConfigProblem[]) {
    super({
      code: 'CONFIG_INVALID',
      message: problems
        .map(({ code, message, place }) => `${describePlace(place)}: ${message} [${code}]`)
        .join('\n'),
    });
    this.problems = problems;
  }
}

/** Environment variables with this prefix override keys: `PICKET_CONFIG__listen__port=7400`; values are read as YAML scalars. */
export const ENVIRONMENT_PREFIX = 'PICKET_CONFIG__';

/**
 * Reads and checks one configuration file.
 * `{$env: NAME}` and `{$file: PATH}` (beside the configuration file) stand for a secret, anywhere a text is wanted.
 * @throws ConfigError with every problem found
 */
export function loadConfig<T>(options: {
  file: string;
  schema: z.ZodType<T>;
  environment: Readonly<Record<string, string | undefined>>;
  /** Read instead of the file system (tests). */
  read?: (file: string) => string;
}): T {
  const { file, schema, environment } = options;
  const read = options.read ?? ((path: string) => readFileSync(path, 'utf8'));
  let document: YamlDocument;
  try {
    document = parseYaml({ text: read(file), file });
  } catch (error) {
    if (error instanceof PicketError && error.place) {
      throw new ConfigError([{ code: error.code, message: error.message, place: error.place }]);
    }
    throw new ConfigError([{ code: 'CONFIG_UNREADABLE', message: describeError(error), place: { file } }]);
  }
  const problems: ConfigProblem[] = [];
  const tree = resolveSecrets({
    file,
    node: document.value ?? {},
    path: '',
    environment,
    read,
    problems,
    document,
  });
  const overridden = applyEnvironment({ tree, environment, problems });
  const parsed = schema.safeParse(overridden);
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.push(...describeIssue(issue, document));
  }
  if (problems.length > 0 || !parsed.success) throw new ConfigError(problems);
  return parsed.data;
}

/** One zod issue as problems with their lines: an unknown key is one problem each. */
export function describeIssue(issue: z.core.$ZodIssue, document: YamlDocument): ConfigProblem[] {
  const path = issue.path.map(String);
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      code: 'CONFIG_UNKNOWN_KEY',
      message: `unknown key \`${key}\``,
      place: document.placeOf([...path, key]),
    }));
  }
  return [{ code: 'CONFIG_VALUE', message: issue.message, place: document.placeOf(path) }];
}

function resolveSecrets(options: {
  file: string;
  node: unknown;
  path: string;
  environment: Readonly<Record<string, string | undefined>>;
  read: (file: string) => string;
  problems: ConfigProblem[];
  document: YamlDocument;
}): unknown {
  const { file, node, path, environment, read, problems, document } = options;
  const childPath = (key: string | number): string => (path === '' ? String(key) : `${path}.${key}`);
  if (Array.isArray(node))
    return node.map((child, at) => resolveSecrets({ ...options, node: child, path: childPath(at) }));
  if (node === null || typeof node !== 'object') return node;
  const entries = Object.entries(node);
  const [first] = entries;
  if (entries.length === 1 && first && typeof first[1] === 'string') {
    const [key, name] = first as [string, string];
    const place = document.placeOf(path.split('.'));
    if (key === '$env') {
      const value = environment[name];
      if (value === undefined) {
        problems.push({ code: 'CONFIG_SECRET', message: `environment variable ${name} is not set`, place });
        return '';
      }
      return value;
    }
    if (key === '$file') {
      try {
        return read(resolve(dirname(file), name)).replace(/\r?\n$/, '');
      } catch (error) {
        problems.push({ code: 'CONFIG_SECRET', message: describeError(error), place });
        return '';
      }
    }
  }
  return Object.fromEntries(
    entries.map(([key, child]) => [key, resolveSecrets({ ...options, node: child, path: childPath(key) })]),
  );
}

function applyEnvironment(options: {
  tree: unknown;
  environment: Readonly<Record<string, string | undefined>>;
  problems: ConfigProblem[];
}): unknown {
  const { tree, environment, problems } = options;
  for (const [name, text] of Object.entries(environment)) {
    if (!name.startsWith(ENVIRONMENT_PREFIX) || text === undefined) continue;
    const path = name.slice(ENVIRONMENT_PREFIX.length).split('__');
    if (tree === null || typeof tree !== 'object' || Array.isArray(tree)) continue; // the schema says so
    const usable = path.every((key) => key !== '' && key !== '__proto__');
    let node = tree as Record<string, unknown>;
    for (const key of usable ? path.slice(0, -1) : []) {
      const next = Object.hasOwn(node, key) ? node[key] : undefined;
      if (next === undefined) node[key] = {};
      node = node[key] as Record<string, unknown>;
      if (node === null || typeof node !== 'object') break;
    }
    if (!usable || node === null || typeof node !== 'object') {
      problems.push({
        code: 'CONFIG_ENVIRONMENT',
        message: `${name} leads to no key`,
        place: { path: path.join('.') },
      });
      continue;
    }
    try {
      node[path.at(-1) as string] = parseYaml({ text, file: name }).value;
    } catch (error) {
      problems.push({
        code: 'CONFIG_ENVIRONMENT',
        message: `${name}: ${describeError(error)}`,
        place: { path: path.join('.') },
      });
    }
  }
  return tree;
}
