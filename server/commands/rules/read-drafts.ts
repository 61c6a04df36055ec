// Reads rule files to be sent to a site as a draft.
import { readFileSync } from 'node:fs';
import { relative } from 'node:path';
import { listRuleFiles } from '../../../detect/sigma/load-rules.ts';
import { PicketError } from '../../../platform/core/errors.ts';

/** Every rule file of the folders (or the files themselves). @throws PicketError RULES_UNREADABLE, DRAFT_EMPTY */
export function readDrafts(paths: readonly string[]): { name: string; text: string }[] {
  const files = [...new Set(paths.flatMap(listRuleFiles))].map((file) => ({
    name: relative(process.cwd(), file),
    text: readFileSync(file, 'utf8'),
  }));
  if (files.length === 0)
    throw new PicketError({ code: 'DRAFT_EMPTY', message: `no rule files in ${paths.join(', ')}` });
  return files;
}
