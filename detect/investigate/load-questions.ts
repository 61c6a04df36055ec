// Reads the questions of investigations from a folder, and says of each refused one why and where.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ConfigProblem, describeIssue } from '../../platform/core/config.ts';
import { describeError, PicketError } from '../../platform/core/errors.ts';
import { parseKql } from '../../platform/core/kql/parse-kql.ts';
import { parseYaml } from '../../platform/core/yaml.ts';
import { bindQuery, Question } from './question.ts';

/** Every `.yml` of a folder (not below it), in name order. A bad file never stops the others. */
export function loadQuestions(folder: string): { questions: Question[]; refused: ConfigProblem[] } {
  const questions: Question[] = [];
  const refused: ConfigProblem[] = [];
  let names: string[];
  try {
    names = readdirSync(folder).sort();
  } catch (error) {
    return { questions, refused: [problemOf(error, folder)] };
  }
  for (const name of names) {
    if (!/\.ya?ml$/.test(name)) continue;
    const file = join(folder, name);
    try {
      const document = parseYaml({ text: readFileSync(file, 'utf8'), file });
      const parsed = Question.safeParse(document.value);
      if (!parsed.success) {
        refused.push(
          ...parsed.error.issues.flatMap((issue) =>
            describeIssue(issue, document).map((problem) => ({ ...problem, code: 'QUESTION_INVALID' })),
          ),
        );
        continue;
      }
      const question = parsed.data;
      const complain = (message: string, path: string): void => {
        refused.push({ code: 'QUESTION_INVALID', message, place: document.placeOf([path]) });
      };
      if (questions.some(({ id }) => id === question.id)) complain(`${question.id} is taken`, 'id');
      else if (!/\{(?:entity|1|2)\}/.test(question.where))
        complain('it names no {entity}, so that it would ask the same of each', 'where');
      else {
        try {
          parseKql(bindQuery(question.where, 'a/b'));
          questions.push(question);
        } catch (error) {
          complain(describeError(error), 'where');
        }
      }
    } catch (error) {
      refused.push(problemOf(error, file));
    }
  }
  return { questions, refused };
}

function problemOf(error: unknown, file: string): ConfigProblem {
  return {
    code: error instanceof PicketError ? error.code : 'QUESTION_UNREADABLE',
    message: describeError(error),
    place: (error instanceof PicketError ? error.place : undefined) ?? { file },
  };
}
