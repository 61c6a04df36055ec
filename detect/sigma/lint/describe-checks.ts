// Writes docs/lint.md from the catalogue: `node detect/sigma/lint/describe-checks.ts` after a check changed.
import { writeFileSync } from 'node:fs';
import { LINT_CHECKS } from './catalogue.ts';
import type { LintCheck } from './lint-check.ts';
import { REFUSED_BY_PARSER } from './refused-by-parser.ts';

/** The page, Markdown; a test holds the committed one equal to it. */
export function describeChecks(): string {
  const checks = Object.entries<LintCheck>(LINT_CHECKS).map(
    ([code, { severity, says, fix, pysigma, rsigma }]) =>
      `| \`${code}\` | ${severity} | ${says} | ${fix ?? ''} | ${[pysigma, rsigma]
        .flatMap((names, at) => (names ? [`${at === 0 ? 'pySigma' : 'rsigma'} ${names}`] : []))
        .join('; ')} |`,
  );
  const byCode = new Map<string, string[]>();
  for (const [name, code] of Object.entries(REFUSED_BY_PARSER))
    byCode.set(code, [...(byCode.get(code) ?? []), name]);
  const refused = [...byCode]
    .sort(([one], [other]) => one.localeCompare(other))
    .map(([code, names]) => `| \`${code}\` | ${names.join(', ')} |`);
  return `# Checks of \`picket rules lint\`

Generated from the catalogue by \`node detect/sigma/lint/describe-checks.ts\`; do not edit.

\`picket rules lint [folders...]\` prints each finding with file, line and column; \`--disable CODE\` leaves a check out, \`--json\` prints JSON. \`--fix\` mends in place what the fourth column says: single keys, values and list elements are changed in the text, so that comments and layout stay. An edit is kept only when the file's rules still compile to the same expression; fixing again changes nothing. An \`error\` (below) keeps a rule from loading.

| code | severity | what it finds | \`--fix\` | who else checks it |
|---|---|---|---|---|
${checks.join('\n')}

## Errors

What keeps a rule from loading has the parser's code ([sigma.md](sigma.md#refusals)). Other linters' names for the same:

| code | pySigma, rsigma |
|---|---|
${refused.join('\n')}

Left out: rsigma's checks of formats that only rsigma has (array matching and versions of Sigma 3, ADS sections, exemplars).
`;
}

if (import.meta.main) {
  writeFileSync(new URL('../../../docs/lint.md', import.meta.url), describeChecks());
}
