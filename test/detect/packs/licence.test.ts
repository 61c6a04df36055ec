// Which licence a pack stands under.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { detectLicence } from '../../../detect/packs/licence.ts';

const idOf = (text: string): string => detectLicence({ files: [{ name: 'LICENSE', text }], rules: [] }).id;

describe('the licence of a pack', () => {
  test.each([
    [
      'Detection Rule License (DRL) 1.1\n\nPermission is hereby granted, free of charge, to any person',
      'DRL-1.1',
    ],
    [
      '                                 Apache License\n                           Version 2.0, January 2004',
      'Apache-2.0',
    ],
    ['MIT License\n\nPermission is hereby granted, free of charge, to any person obtaining', 'MIT'],
    ['GNU GENERAL PUBLIC LICENSE\n   Version 3, 29 June 2007', 'GPL-3.0'],
    ['GNU AFFERO GENERAL PUBLIC LICENSE\nVersion 3', 'AGPL-3.0'],
    ['Elastic License 2.0\n\nURL: https://www.elastic.co', 'Elastic-2.0'],
    ['Creative Commons Attribution-NonCommercial 4.0 International', 'CC-BY-NC-4.0'],
    ['Redistribution and use in source and binary forms, with or\nwithout', 'BSD-2-Clause'],
    ['All rights reserved. Ask us.', 'unknown'],
  ])('of a text that begins %j is %s', (text, id) => {
    expect(idOf(text)).toBe(id);
  });

  test('of our own repository is what its file says', () => {
    expect(idOf(readFileSync(join(import.meta.dirname, '../../../LICENSE'), 'utf8'))).toBe('Apache-2.0');
  });

  test('is that of the file nearest to the top, and rules are counted by what they say', () => {
    const files = [
      { name: 'rules/LICENSE', text: 'Elastic License 2.0' },
      { name: 'LICENSE.Detection.Rules.md', text: 'Detection Rule License (DRL) 1.1' },
      { name: 'rules/licence-check.yml', text: 'x' },
    ];
    const rules = [{ license: 'MIT' }, { license: 'MIT' }, {}];
    expect(detectLicence({ files, rules })).toEqual({
      id: 'DRL-1.1',
      file: 'LICENSE.Detection.Rules.md',
      rules: { MIT: 2 },
    });
    expect(detectLicence({ files: [], rules: [] })).toEqual({ id: 'none', rules: {} });
  });
});
