// Reads the exceptions that a site's configuration names: every YAML file of a folder.
import { readFileSync } from 'node:fs';
import { type Exception, readExceptions } from '../../detect/exceptions/exception.ts';
import { listRuleFiles } from '../../detect/sigma/load-rules.ts';
import { type Problem, toProblem } from '../../detect/sigma/problem.ts';

/** Never throws: what cannot be read is in `refused`. */
export function readExceptionFolder(folder: string): { exceptions: Exception[]; refused: Problem[] } {
  const exceptions: Exception[] = [];
  const refused: Problem[] = [];
  try {
    for (const file of listRuleFiles(folder)) {
      const read = readExceptions({ text: readFileSync(file, 'utf8'), file });
      exceptions.push(...read.exceptions);
      refused.push(...read.refused);
    }
  } catch (error) {
    refused.push(toProblem(error, { file: folder }));
  }
  return { exceptions, refused };
}
