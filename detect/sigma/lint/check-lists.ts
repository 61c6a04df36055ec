// Checks the lists of a document: tags by the Sigma tags appendix, references, fields, notes.
import { LINT_CHECKS, type LintCode } from './catalogue.ts';
import { type Checked, showValue } from './finding.ts';

const LISTS: readonly [key: string, twice: LintCode | undefined][] = [
  ['tags', 'LINT_TAG_TWICE'],
  ['references', 'LINT_REFERENCE_TWICE'],
  ['fields', 'LINT_FIELD_TWICE'],
  ['falsepositives', undefined],
  ['scope', undefined],
];
/** Of ATT&CK for enterprise (with the split of defence evasion), mobile and industrial control systems. */
const TACTICS =
  'reconnaissance|resource-development|initial-access|execution|persistence|privilege-escalation|defense-evasion|stealth|defense-impairment|credential-access|discovery|lateral-movement|collection|command-and-control|exfiltration|impact|evasion|inhibit-response-function|impair-process-control|network-effects|remote-service-effects';
/** Namespaces of the appendix, and ours, each with the names it has. */
const NAMESPACES: Readonly<Record<string, { readonly names: RegExp; readonly code?: LintCode }>> = {
  attack: {
    names: new RegExp(`^(?:${TACTICS}|t\\d{4}(?:\\.\\d{3})?|[gscm]\\d{4}|ds\\d{4}|dc\\d{4})$`),
    code: 'LINT_TAG_ATTACK',
  },
  car: { names: /^\d{4}-\d{2}-\d{3}$/, code: 'LINT_TAG_CAR' },
  cve: { names: /^\d{4}[-.]\d{4,}$/, code: 'LINT_TAG_CVE' },
  d3fend: {
    names: /^(?:d3[af]?-[a-z0-9-]+|d3f-[a-z0-9_-]+|model|harden|detect|isolate|deceive|evict|restore)$/i,
    code: 'LINT_TAG_D3FEND',
  },
  detection: { names: /^(?:dfir|emerging-threats|threat-hunting)$/, code: 'LINT_TAG_DETECTION' },
  stp: { names: /^[1-5][auk]?$/, code: 'LINT_TAG_STP' },
  tlp: { names: /^(?:red|amber|amber-strict|green|clear|white)$/, code: 'LINT_TAG_TLP' },
  picket: { names: /./ },
};

export function checkLists(checked: Checked): void {
  const { document, edit, report } = checked;
  const { content, placeOf } = document;
  for (const [key, twice] of LISTS) {
    const value = content[key];
    if (value === undefined || value === null) continue;
    if (!Array.isArray(value)) {
      report('LINT_LIST', [key], { message: `\`${key}\` must be a list` });
      continue;
    }
    const seen = new Set<unknown>();
    (value as unknown[]).forEach((element, at) => {
      const path = [key, String(at)];
      const text = showValue(element);
      const known = key === 'tags' ? text.toLowerCase() : element;
      if (twice && seen.has(known))
        report(twice, path, {
          message: `\`${text}\` twice in \`${key}\``,
          fix: edit.removeElement(placeOf(path), text),
        });
      seen.add(known);
      if (key === 'tags') checkTag(checked, text, path);
      if (text.trim().length < (key === 'scope' ? 2 : 4)) {
        if (key === 'falsepositives') report('LINT_FALSE_POSITIVE_SHORT', path);
        if (key === 'scope') report('LINT_SCOPE_SHORT', path);
      }
    });
  }
}

function checkTag({ document, edit, report }: Checked, written: string, path: readonly string[]): void {
  const tag = written.toLowerCase();
  const [namespace = '', ...rest] = tag.split('.');
  const say = (code: LintCode): void =>
    report(code, path, { message: `\`${written}\`: ${LINT_CHECKS[code].says}` });
  if (tag !== written && namespace !== 'd3fend')
    report('LINT_TAG_CASE', path, {
      message: `\`${written}\` is not lower-case`,
      fix: edit.setElement(document.placeOf(path), written, tag),
    });
  if (!/^[a-z0-9_-]+\.[a-z0-9._-]+$/.test(tag)) {
    say('LINT_TAG_FORMAT');
    return;
  }
  const known = Object.hasOwn(NAMESPACES, namespace) ? NAMESPACES[namespace] : undefined;
  if (!known) say('LINT_TAG_NAMESPACE');
  else if (known.code && !known.names.test(rest.join('.'))) say(known.code);
}
