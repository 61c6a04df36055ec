// Finds under which licence a pack stands: by its licence files, and by what its rules say themselves.

/** What is known of a pack's licence. */
export interface Licence {
  /** SPDX identifier, or `unknown` where the text is none that we know, or `none` without a licence file. */
  readonly id: string;
  /** The file that says it. */
  readonly file?: string;
  /** What the rules' own `license` fields say, with how many rules do. */
  readonly rules: Readonly<Record<string, number>>;
}

/** Names of files that hold a licence, at any depth. */
export const LICENCE_FILE = /^(?:licen[cs]e|copying|unlicense)(?:[-.][\w.-]+)?$/i;

/** A phrase of each licence that the others do not have; the first that is found counts. */
const KNOWN: readonly (readonly [id: string, phrase: RegExp])[] = [
  ['DRL-1.1', /detection rule license[^.]{0,40}1\.1/],
  ['DRL-1.0', /detection rule license/],
  ['Elastic-2.0', /elastic license 2\.0/],
  ['AGPL-3.0', /gnu affero general public license/],
  ['LGPL-3.0', /gnu lesser general public license.{0,40}version 3/],
  ['LGPL-2.1', /gnu lesser general public license/],
  ['GPL-3.0', /gnu general public license.{0,40}version 3/],
  ['GPL-2.0', /gnu general public license.{0,40}version 2/],
  ['Apache-2.0', /apache license,? (?:version )?2\.0/],
  ['MPL-2.0', /mozilla public license,? (?:version )?2\.0/],
  ['CC-BY-NC-4.0', /attribution-noncommercial 4\.0/],
  ['CC-BY-SA-4.0', /attribution-sharealike 4\.0/],
  ['CC-BY-4.0', /attribution 4\.0 international/],
  ['CC0-1.0', /cc0 1\.0/],
  ['BSD-3-Clause', /neither the name of .{0,200} nor the names of its contributors/],
  ['BSD-2-Clause', /redistribution and use in source and binary forms/],
  ['ISC', /permission to use, copy, modify, and\/or distribute this software/],
  ['MIT', /permission is hereby granted, free of charge/],
  ['Unlicense', /this is free and unencumbered software/],
];

/** The licence of the file nearest to the top. `files` are relative names with their texts. */
export function detectLicence(options: {
  files: readonly { readonly name: string; readonly text: string }[];
  rules: readonly { readonly license?: string }[];
}): Licence {
  const rules: Record<string, number> = {};
  for (const { license } of options.rules)
    if (license !== undefined) rules[license] = (rules[license] ?? 0) + 1;
  const depth = (name: string): number => name.split('/').length;
  const [file] = options.files
    .filter(({ name }) => LICENCE_FILE.test(name.split('/').at(-1) ?? ''))
    .sort((a, b) => depth(a.name) - depth(b.name) || (a.name < b.name ? -1 : 1));
  if (!file) return { id: 'none', rules };
  const text = file.text.toLowerCase().replaceAll(/\s+/g, ' ');
  const id = KNOWN.find(([, phrase]) => phrase.test(text))?.[0] ?? 'unknown';
  return { id, file: file.name, rules };
}
