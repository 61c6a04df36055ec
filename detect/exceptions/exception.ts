// An exception: a Sigma filter of one's own that hides matches, with who made it, why, and until when.
import { PicketError } from '../../platform/core/errors.ts';
import { parseRuleFile } from '../sigma/parse-file.ts';
import { type Problem, toProblem } from '../sigma/problem.ts';
import type { SigmaFilter } from '../sigma/rule.ts';

export interface Exception {
  readonly filter: SigmaFilter;
  readonly author: string;
  readonly reason: string;
  /** The file of the site's configuration that holds it; undefined for one kept in the records. */
  readonly file?: string;
  /** The filter as it was written. */
  readonly text: string;
}

/**
 * Reads the filters of a file. Each needs an author and a reason, since the next person must be able to judge it.
 * Never throws: what cannot be taken is in `refused`.
 */
export function readExceptions(options: { text: string; file: string; inRecords?: boolean }): {
  exceptions: Exception[];
  refused: Problem[];
} {
  const { text, file } = options;
  const { filters, rules, correlations, refused } = parseRuleFile({ text, file });
  const exceptions: Exception[] = [];
  for (const filter of filters) {
    const { author, reason } = filter;
    if (author === undefined || reason === undefined) {
      const missing = author === undefined ? '`author`' : '`picket.reason`';
      const about = { id: filter.id, title: filter.title };
      const message = `an exception needs ${missing}`;
      refused.push(
        toProblem(new PicketError({ code: 'EXCEPTION_INCOMPLETE', message }), filter.place, about),
      );
      continue;
    }
    exceptions.push({ filter, author, reason, text, ...(options.inRecords ? {} : { file }) });
  }
  for (const rule of [...rules, ...correlations]) {
    const message = 'an exception is a Sigma filter: this is a rule';
    refused.push(
      toProblem(new PicketError({ code: 'EXCEPTION_KIND', message }), rule.place, {
        id: rule.id,
        title: rule.title,
      }),
    );
  }
  return { exceptions, refused };
}

/** The one exception of a text. @throws PicketError with the code and place of the first fault, EXCEPTION_KIND */
export function readOneException(text: string, file: string): Exception {
  const { exceptions, refused } = readExceptions({ text, file, inRecords: true });
  const [problem] = refused;
  if (problem) throw new PicketError({ code: problem.code, message: problem.message, place: problem.place });
  const [exception, second] = exceptions;
  if (!exception || second) {
    throw new PicketError({
      code: 'EXCEPTION_KIND',
      message: second ? 'one exception at a time' : 'there is no Sigma filter in the text',
      place: { file },
    });
  }
  return exception;
}
