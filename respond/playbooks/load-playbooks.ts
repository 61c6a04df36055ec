// Reads playbooks (CACAO 2.0 vocabulary in YAML) from a folder, and says of each refused one why and where.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { contentHash } from '../../platform/core/canonical-json.ts';
import { type ConfigProblem, describeIssue } from '../../platform/core/config.ts';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import type { JsonObject } from '../../platform/core/event.ts';
import { compileExpression, type Predicate } from '../../platform/core/expression/compile.ts';
import { parseKql } from '../../platform/core/kql/parse-kql.ts';
import { parseYaml, type YamlDocument } from '../../platform/core/yaml.ts';
import { findAction } from '../actions/registry.ts';
import { Playbook, TRIGGER_EXTENSION, type Trigger } from './schema.ts';

export interface LoadedPlaybook {
  readonly playbook: Playbook;
  /** Content hash of the playbook. */
  readonly version: string;
  readonly file: string;
  readonly trigger: Trigger | undefined;
  /** The trigger's `where`, compiled; true for none. */
  readonly where: Predicate;
}

/** Loads every `.yml`/`.yaml` of a folder (not below it), in name order. A bad file never stops the others. */
export async function loadPlaybooks(
  folder: string,
): Promise<{ playbooks: LoadedPlaybook[]; refused: ConfigProblem[] }> {
  const playbooks: LoadedPlaybook[] = [];
  const refused: ConfigProblem[] = [];
  for (const name of (await readdir(folder)).sort()) {
    if (!/\.ya?ml$/.test(name)) continue;
    const file = join(folder, name);
    try {
      const document = parseYaml({ text: await readFile(file, 'utf8'), file });
      const loaded = checkPlaybook({ document, file });
      if (Array.isArray(loaded)) refused.push(...loaded);
      else playbooks.push(loaded);
    } catch (error) {
      const place = (error instanceof PicketError ? error.place : undefined) ?? { file };
      refused.push({
        code: error instanceof PicketError ? error.code : 'PLAYBOOK_UNREADABLE',
        message: describeError(error),
        place,
      });
    }
  }
  return { playbooks, refused };
}

function checkPlaybook({
  document,
  file,
}: {
  document: YamlDocument;
  file: string;
}): LoadedPlaybook | ConfigProblem[] {
  const parsed = Playbook.safeParse(document.value);
  if (!parsed.success) {
    return parsed.error.issues.flatMap((issue) =>
      describeIssue(issue, document).map((problem) => ({ ...problem, code: 'PLAYBOOK_INVALID' })),
    );
  }
  const playbook = parsed.data;
  const problems: ConfigProblem[] = [];
  const complain = (message: string, path: string[]): void => {
    problems.push({ code: 'PLAYBOOK_INVALID', message, place: document.placeOf(path) });
  };
  if (playbook.workflow[playbook.workflow_start]?.type !== 'start')
    complain('workflow_start names no start step', ['workflow_start']);
  for (const [id, step] of Object.entries(playbook.workflow)) {
    if (!id.startsWith(`${step.type}--`))
      complain(`a step of type ${step.type} must have an id that begins with it`, ['workflow', id]);
    if (step.type === 'end') continue;
    for (const key of ['on_completion', 'on_success', 'on_failure'] as const) {
      const next = key in step ? (step as Partial<Record<typeof key, string>>)[key] : undefined;
      if (next !== undefined && !playbook.workflow[next]) complain(`no step ${next}`, ['workflow', id, key]);
    }
    if (step.type !== 'action') continue;
    if (
      step.on_completion !== undefined &&
      (step.on_success !== undefined || step.on_failure !== undefined)
    ) {
      complain('on_completion stands alone, without on_success and on_failure (CACAO 2.0, section 4.1)', [
        'workflow',
        id,
      ]);
    }
    const [command] = step.commands;
    if (command?.type === 'x-picket-posture' && !findAction(command.command)) {
      complain(`no action ${command.command}`, ['workflow', id, 'commands', '0', 'command']);
    }
  }
  const cycle = findCycle(playbook);
  if (cycle) complain(`the workflow comes back to ${cycle}: it would never end`, ['workflow', cycle]);
  const trigger = playbook.extensions?.[TRIGGER_EXTENSION];
  let where: Predicate = () => true;
  if (trigger?.where !== undefined) {
    try {
      where = compileExpression(parseKql(trigger.where));
    } catch (error) {
      complain(describeError(error), ['extensions', TRIGGER_EXTENSION, 'where']);
    }
  }
  if (problems.length > 0) return problems;
  return { playbook, version: contentHash(playbook as unknown as JsonObject), file, trigger, where };
}

/** The first step that a walk meets twice on one path, or undefined. */
function findCycle(playbook: Playbook): string | undefined {
  const done = new Set<string>();
  const walk = (id: string, path: ReadonlySet<string>): string | undefined => {
    if (path.has(id)) return id;
    const step = playbook.workflow[id];
    if (done.has(id) || !step || step.type === 'end') return undefined;
    const onward = new Set([...path, id]);
    const nexts =
      step.type === 'start' ? [step.on_completion] : [step.on_completion, step.on_success, step.on_failure];
    for (const next of nexts) {
      const found = next === undefined ? undefined : walk(next, onward);
      if (found !== undefined) return found;
    }
    done.add(id);
    return undefined;
  };
  return walk(playbook.workflow_start, new Set());
}
