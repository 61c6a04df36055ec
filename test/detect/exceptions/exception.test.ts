// What is taken as an exception, and what is refused with its place.
import { describe, expect, test } from 'vitest';
import { readExceptions, readOneException } from '../../../detect/exceptions/exception.ts';

const FILTER = `title: Backup agent
id: 9d0b7e0a-0f4f-4b8e-8f5c-000000000001
author: li
logsource: { product: windows, category: process_creation }
filter:
  rules: [5f113a8f-8b61-41ca-b90f-d374fa7e4a39]
  selection: { User: backup }
  condition: not selection
picket: { reason: It copies by night, expires: 2027-01-31 }
`;

describe('an exception', () => {
  test('is a Sigma filter with author, reason and end', () => {
    const { filter, author, reason, text } = readOneException(FILTER, 'backup.yml');
    expect({ author, reason, text }).toEqual({ author: 'li', reason: 'It copies by night', text: FILTER });
    expect(filter.expires).toBe('2027-01-31T00:00:00.000Z');
  });

  test.each([
    ['an author', FILTER.replace('author: li\n', ''), 'EXCEPTION_INCOMPLETE'],
    ['a reason', FILTER.replace('reason: It copies by night, ', ''), 'EXCEPTION_INCOMPLETE'],
    [
      'to be a filter',
      FILTER.replace('filter:\n  rules: [5f113a8f-8b61-41ca-b90f-d374fa7e4a39]', 'detection:').replace(
        /picket:.*\n/,
        '',
      ),
      'EXCEPTION_KIND',
    ],
    ['a condition', FILTER.replace('  condition: not selection\n', ''), 'SIGMA_CONDITION'],
    ['YAML', 'a: [', 'YAML_INVALID'],
    ['to be one', `${FILTER}---\n${FILTER.replace('0001', '0002')}`, 'EXCEPTION_KIND'],
    ['to be there', '', 'EXCEPTION_KIND'],
  ])('needs %s', (_, text, code) => {
    expect(() => readOneException(text, 'backup.yml')).toThrow(expect.objectContaining({ code }));
  });

  test('of a file with a faulty one beside is still taken', () => {
    const bad = FILTER.replace('author: li\n', '').replace('0001', '0002');
    const { exceptions, refused } = readExceptions({ text: `${bad}---\n${FILTER}`, file: 'two.yml' });
    expect(exceptions.map(({ filter, file }) => [filter.id, file])).toEqual([
      ['9d0b7e0a-0f4f-4b8e-8f5c-000000000001', 'two.yml'],
    ]);
    expect(refused).toMatchObject([{ code: 'EXCEPTION_INCOMPLETE', place: { file: 'two.yml', line: 1 } }]);
  });
});
