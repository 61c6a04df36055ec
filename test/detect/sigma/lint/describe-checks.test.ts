import { expect, it } from 'vitest';
import { describeChecks } from '../../../../detect/sigma/lint/describe-checks.ts';
import { readProjectFile } from '../../../house/list-files.ts';

it('docs/lint.md is what the catalogue says today', () => {
  expect(readProjectFile('docs/lint.md')).toBe(describeChecks());
});
