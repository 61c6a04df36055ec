// Reads SigmaHQ's regression tests: `regression_tests_path` of a rule, the info.yml it names, and the samples beside it.
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import { PicketError, type Place } from '../../platform/core/errors.ts';
import type { JsonObject } from '../../platform/core/event.ts';
import { parseYaml } from '../../platform/core/yaml.ts';

/** The format as SigmaHQ/sigma regression_data/README.md says it; loose, since it is theirs. */
const Info = z.looseObject({
  rule_metadata: z.array(z.looseObject({ id: z.string() })).min(1),
  regression_tests_info: z
    .array(
      z.looseObject({
        name: z.string().optional(),
        type: z.enum(['evtx', 'json', 'ndjson', 'jsonl']),
        path: z.string(),
        match_count: z.number().int().min(0).optional(),
        pipelines: z.array(z.string()).optional(),
        filters: z.array(z.string()).optional(),
      }),
    )
    .min(1),
});

/** One sample with what it must give. */
export interface RegressionCase {
  readonly name: string;
  readonly file: string;
  readonly place: Place;
  readonly events: readonly JsonObject[];
  /** Undefined: at least one. */
  readonly matchCount: number | undefined;
  /** Pipeline and filter files to apply. */
  readonly pipelines: readonly string[];
  readonly filters: readonly string[];
}

/**
 * Paths are read as SigmaHQ writes them: from the rule's folder, or from any folder above it (their repository's
 * root). An EVTX sample is read as the JSON beside it, as evtx_dump writes it.
 * @throws PicketError REGRESSION_MISSING, REGRESSION_EVTX, REGRESSION_INFO, REGRESSION_SAMPLE, YAML_INVALID with the place
 */
export function readRegression(options: { rule: string; ruleFile: string; path: string }): RegressionCase[] {
  const { rule, ruleFile, path } = options;
  const file = locate(path, ruleFile);
  if (file === undefined) throw fault('REGRESSION_MISSING', `${path} is not there`, { file: ruleFile });
  const document = parseYaml({ text: readFileSync(file, 'utf8'), file });
  const parsed = Info.safeParse(document.value);
  if (!parsed.success) {
    const [issue] = parsed.error.issues;
    throw fault(
      'REGRESSION_INFO',
      issue?.message ?? 'not valid',
      document.placeOf((issue?.path ?? []).map(String)),
    );
  }
  const { rule_metadata, regression_tests_info } = parsed.data;
  if (!rule_metadata.some(({ id }) => id === rule))
    throw fault('REGRESSION_INFO', `it is not for rule ${rule}`, document.placeOf(['rule_metadata']));
  return regression_tests_info.map((test, at) => {
    const place = document.placeOf(['regression_tests_info', String(at)]);
    const find = (written: string): string => {
      const found = locate(written, file) ?? locate(written, ruleFile);
      if (found === undefined) throw fault('REGRESSION_MISSING', `${written} is not there`, place);
      return found;
    };
    const sample = test.type === 'evtx' ? findJson(test.path, [file, ruleFile], place) : find(test.path);
    return {
      name: test.name ?? `test ${at + 1}`,
      file: sample,
      place,
      events: readSample(sample),
      matchCount: test.match_count,
      pipelines: (test.pipelines ?? []).map(find),
      filters: (test.filters ?? []).map(find),
    };
  });
}

function fault(code: string, message: string, place: Place): PicketError {
  return new PicketError({ code, message, place });
}

/** A path from the folder of `from`, or from one above it. */
function locate(path: string, from: string): string | undefined {
  for (let folder = dirname(resolve(from)); ; folder = dirname(folder)) {
    const candidate = join(folder, path);
    if (existsSync(candidate)) return candidate;
    if (folder === dirname(folder)) return undefined;
  }
}

function findJson(path: string, from: readonly string[], place: Place): string {
  const base = path.replace(/\.evtx$/i, '');
  for (const end of ['.json', '.jsonl', '.ndjson']) {
    for (const start of from) {
      const found = locate(`${base}${end}`, start);
      if (found !== undefined) return found;
    }
  }
  throw fault(
    'REGRESSION_EVTX',
    `${path} is EVTX and there is no JSON beside it: \`evtx_dump -o jsonl\` makes it`,
    place,
  );
}

/** A JSON object, an array of them, or objects one after another on any number of lines. @throws PicketError REGRESSION_SAMPLE */
export function readSample(file: string): JsonObject[] {
  const text = readFileSync(file, 'utf8');
  try {
    const values = splitObjects(text).map((part) => JSON.parse(part) as unknown);
    if (values.length > 0) return values as JsonObject[];
  } catch (cause) {
    throw new PicketError({ code: 'REGRESSION_SAMPLE', message: 'not JSON', place: { file }, cause });
  }
  throw fault('REGRESSION_SAMPLE', 'there is no event in it', { file });
}

/** The outermost `{…}` of a text: what stands between (brackets, commas, `Record 1`) is left out. */
function splitObjects(text: string): string[] {
  const parts: string[] = [];
  let depth = 0;
  let start = 0;
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (quoted) {
      if (character === '\\') at++;
      else if (character === '"') quoted = false;
    } else if (character === '"') quoted = depth > 0;
    else if (character === '{') {
      if (depth++ === 0) start = at;
    } else if (character === '}' && depth > 0 && --depth === 0) parts.push(text.slice(start, at + 1));
  }
  if (depth > 0) throw new SyntaxError('the text ends inside an object');
  return parts;
}
