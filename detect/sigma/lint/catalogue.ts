// Every check of the linter: its stable code, how grave it is, what `--fix` does, and what sigma-cli and rsigma call the same.

import type { LintCheck } from './lint-check.ts';

/** In the order of the page. What keeps a rule from loading is an error of the parser, with a code of its own (docs/sigma.md). */
const CHECKS = {
  // The file
  LINT_FILE_NAME: {
    severity: 'info',
    says: 'a file name is lower-case letters and digits joined by `_` or `-`, ending in `.yml` or `.yaml`',
  },
  LINT_FILE_NAME_LENGTH: {
    severity: 'info',
    says: 'a file name has 10 to 90 characters',
    pysigma: 'filename_length',
  },
  LINT_FILE_NAME_TWICE: {
    severity: 'warning',
    says: 'another file of the folders has the same name',
    pysigma: 'duplicate_filename',
  },
  LINT_LINE_BREAKS: { severity: 'info', says: 'lines end in LF', fix: 'CR LF becomes LF' },
  LINT_BYTE_ORDER_MARK: { severity: 'info', says: 'the file begins with a byte order mark', fix: 'removed' },
  // Keys and the header
  LINT_KEY_CASE: {
    severity: 'warning',
    says: 'a top-level key is lower-case',
    fix: 'lower-cased',
    rsigma: 'non_lowercase_key',
  },
  LINT_KEY_UNKNOWN: {
    severity: 'info',
    says: 'a key that the specification does not know, like one it knows',
    fix: 'renamed, when it is descriptive',
    pysigma: 'custom_attributes',
    rsigma: 'unknown_key',
  },
  LINT_ID_MISSING: {
    severity: 'warning',
    says: '`id` is missing',
    fix: 'a new UUID',
    pysigma: 'identifier_existence',
  },
  LINT_ID: { severity: 'warning', says: '`id` is no UUID', rsigma: 'invalid_id' },
  LINT_ID_TAKEN: {
    severity: 'warning',
    says: 'another rule has the same `id`',
    pysigma: 'identifier_uniqueness',
  },
  LINT_TITLE_LONG: { severity: 'warning', says: '`title` has over 256 characters', rsigma: 'title_too_long' },
  LINT_TITLE_TWICE: {
    severity: 'info',
    says: 'another rule has the same `title`',
    pysigma: 'duplicate_title',
  },
  LINT_NAME_LONG: { severity: 'warning', says: '`name` has over 256 characters', rsigma: 'name_too_long' },
  LINT_NAME_TWICE: { severity: 'warning', says: 'another rule has the same `name`' },
  LINT_TAXONOMY_LONG: {
    severity: 'warning',
    says: '`taxonomy` has over 256 characters',
    rsigma: 'taxonomy_too_long',
  },
  LINT_TAXONOMY: { severity: 'info', says: 'a taxonomy other than `sigma` needs a pipeline that maps it' },
  LINT_SIGMA_VERSION: {
    severity: 'warning',
    says: '`sigma-version` is not 2',
    rsigma: 'unsupported_sigma_version',
  },
  LINT_DESCRIPTION_MISSING: {
    severity: 'info',
    says: '`description` is missing',
    rsigma: 'missing_description',
  },
  LINT_DESCRIPTION_LONG: {
    severity: 'warning',
    says: '`description` has over 65,535 characters',
    rsigma: 'description_too_long',
  },
  LINT_AUTHOR_MISSING: { severity: 'info', says: '`author` is missing', rsigma: 'missing_author' },
  LINT_DATE_MISSING: { severity: 'info', says: '`date` is missing' },
  LINT_DATE: {
    severity: 'warning',
    says: '`date` or `modified` is no day like 2026-11-23',
    fix: '`2026/11/3`, `2026.11.03` and the like are rewritten',
    rsigma: 'invalid_date, invalid_modified',
  },
  LINT_DATE_ORDER: {
    severity: 'warning',
    says: '`modified` is before `date`',
    rsigma: 'modified_before_date',
  },
  LINT_LEVEL_MISSING: {
    severity: 'warning',
    says: '`level` is missing: it counts as medium',
    rsigma: 'missing_level',
  },
  LINT_LEVEL_CASE: {
    severity: 'warning',
    says: '`level` is lower-case',
    fix: 'lower-cased',
    rsigma: 'invalid_level',
  },
  LINT_STATUS_MISSING: { severity: 'info', says: '`status` is missing' },
  LINT_STATUS_CASE: {
    severity: 'warning',
    says: '`status` is lower-case',
    fix: 'lower-cased',
    rsigma: 'invalid_status',
  },
  LINT_DEPRECATED: {
    severity: 'warning',
    says: 'a deprecated rule names no `related` rule that replaces it',
    rsigma: 'deprecated_without_related',
  },
  LINT_RELATED_ID: {
    severity: 'warning',
    says: 'the id of a relation is no UUID',
    rsigma: 'invalid_related_id',
  },
  LINT_RELATED_TYPE: {
    severity: 'warning',
    says: 'a relation is none of derived, obsolete, merged, renamed, similar',
    rsigma: 'invalid_related_type',
  },
  // Lists
  LINT_LIST: {
    severity: 'warning',
    says: '`tags`, `references`, `falsepositives`, `fields` and `scope` are lists',
  },
  LINT_TAG_TWICE: {
    severity: 'warning',
    says: 'the same tag twice',
    fix: 'the second is removed',
    pysigma: 'duplicate_tag',
    rsigma: 'duplicate_tags',
  },
  LINT_REFERENCE_TWICE: {
    severity: 'warning',
    says: 'the same reference twice',
    fix: 'the second is removed',
    pysigma: 'duplicate_references',
    rsigma: 'duplicate_references',
  },
  LINT_FIELD_TWICE: {
    severity: 'warning',
    says: 'the same field twice in `fields`',
    fix: 'the second is removed',
    rsigma: 'duplicate_fields',
  },
  LINT_TAG_CASE: { severity: 'warning', says: 'a tag is lower-case', fix: 'lower-cased' },
  LINT_TAG_FORMAT: {
    severity: 'warning',
    says: 'a tag is `namespace.name` of letters, digits, `_`, `-` and dots',
    pysigma: 'tag_format',
    rsigma: 'invalid_tag',
  },
  LINT_TAG_NAMESPACE: {
    severity: 'warning',
    says: 'a namespace of tags that the specification does not know',
    pysigma: 'namespace_tag',
    rsigma: 'unknown_tag_namespace',
  },
  LINT_TAG_ATTACK: {
    severity: 'warning',
    says: 'an `attack` tag is a tactic, or an id of a technique, group, software, campaign, mitigation or data source',
    pysigma: 'attacktag',
  },
  LINT_TAG_CAR: { severity: 'warning', says: 'a `car` tag is like car.2016-04-005', pysigma: 'cartag' },
  LINT_TAG_CVE: { severity: 'warning', says: 'a `cve` tag is like cve.2021-44228', pysigma: 'cvetag' },
  LINT_TAG_D3FEND: {
    severity: 'warning',
    says: 'a `d3fend` tag is a tactic, or an id like d3-am or d3f-process',
    pysigma: 'd3_fendtag',
  },
  LINT_TAG_DETECTION: {
    severity: 'warning',
    says: 'a `detection` tag is dfir, emerging-threats or threat-hunting',
    pysigma: 'detection_tag',
  },
  LINT_TAG_STP: { severity: 'warning', says: 'an `stp` tag is 1 to 5, with a, u or k', pysigma: 'stptag' },
  LINT_TAG_TLP: {
    severity: 'warning',
    says: 'a `tlp` tag is red, amber, amber-strict, green, clear or white',
    pysigma: 'tlptag, tlpv1_tag, tlpv2_tag',
  },
  LINT_FALSE_POSITIVE_SHORT: {
    severity: 'warning',
    says: 'a note on false positives needs words',
    rsigma: 'falsepositive_too_short',
  },
  LINT_SCOPE_SHORT: { severity: 'warning', says: 'a `scope` needs words', rsigma: 'scope_too_short' },
  // The logsource
  LINT_LOGSOURCE_CASE: {
    severity: 'warning',
    says: 'category, product and service are lower-case',
    fix: 'lower-cased',
    rsigma: 'logsource_value_not_lowercase',
  },
  LINT_LOGSOURCE_KEY: {
    severity: 'warning',
    says: 'a key of `logsource` that is none of category, product, service, definition',
    pysigma: 'fieldname_logsource',
  },
  LINT_LOGSOURCE_GENERIC: {
    severity: 'warning',
    says: 'an event id of a Windows log for which there is a category',
    pysigma: 'specific_instead_of_generic_logsource',
  },
  // The condition
  LINT_SELECTION_UNUSED: {
    severity: 'warning',
    says: 'a selection that no condition uses',
    pysigma: 'dangling_detection',
  },
  LINT_THEM_SINGLE: {
    severity: 'info',
    says: '`them` of one selection',
    pysigma: 'them_condition_with_single_detection',
  },
  LINT_ALL_OF_THEM: {
    severity: 'info',
    says: '`all of them` leaves no room for filters: `all of selection*`',
    pysigma: 'all_of_them_condition',
  },
  LINT_CONDITION_CASE: {
    severity: 'warning',
    says: '`and`, `or`, `not` and `of` are lower-case: other tools know no others',
    fix: 'lower-cased',
  },
  LINT_TIMEFRAME: {
    severity: 'warning',
    says: '`timeframe` is of Sigma 1 and has no effect: use a correlation',
    rsigma: 'deprecated_detection_timeframe',
  },
  // Modifiers and values
  LINT_ALL_SINGLE: {
    severity: 'warning',
    says: '`all` with a single value does nothing',
    fix: 'the modifier is removed',
    rsigma: 'single_value_all_modifier',
  },
  LINT_ALL_WHOLE: {
    severity: 'warning',
    says: '`all` of whole texts: a field with one value is never two of them',
    pysigma: 'invalid_modifier_combinations',
  },
  LINT_ALL_RE: { severity: 'info', says: '`all` of patterns: each must be found', rsigma: 'all_with_re' },
  LINT_BASE64OFFSET_WHOLE: {
    severity: 'warning',
    says: '`base64offset` without `contains` finds only what is nothing else',
    pysigma: 'invalid_modifier_combinations',
  },
  LINT_WINDASH_ALL: {
    severity: 'info',
    says: '`windash` with `all`: older tools join its alternatives by AND',
    pysigma: 'invalid_modifier_combinations',
  },
  LINT_MODIFIER_TWICE: {
    severity: 'warning',
    says: 'the same modifier twice',
    fix: 'the second is removed',
    pysigma: 'invalid_modifier_combinations',
  },
  LINT_VALUE_TWICE: { severity: 'warning', says: 'the same value twice', fix: 'the second is removed' },
  LINT_NULL_IN_LIST: {
    severity: 'warning',
    says: '`null` in a list of values',
    rsigma: 'null_in_value_list',
  },
  LINT_WILDCARD_ONLY: {
    severity: 'info',
    says: 'a lone `*` asks for presence: `exists` says so',
    fix: '`field: "*"` becomes `field|exists: true`',
    rsigma: 'wildcard_only_value',
  },
  LINT_WILDCARD_NEEDLESS: {
    severity: 'warning',
    says: 'a wildcard where `contains`, `startswith` or `endswith` puts one',
    fix: 'removed',
  },
  LINT_WILDCARD_FOR_MODIFIER: {
    severity: 'info',
    says: 'wildcards at the ends instead of `contains`, `startswith` or `endswith`',
    fix: 'the modifier is put in their place',
    pysigma: 'wildcards_instead_of_modifiers',
  },
  LINT_WILDCARD_DOUBLE: {
    severity: 'info',
    says: 'two `*` next to each other',
    fix: 'one is left',
    pysigma: 'double_wildcard',
  },
  LINT_WILDCARD_ESCAPED: {
    severity: 'info',
    says: 'an escaped wildcard: is the character meant?',
    pysigma: 'escaped_wildcard',
  },
  LINT_NUMBER_AS_TEXT: { severity: 'info', says: 'a number written as text', pysigma: 'number_as_string' },
  LINT_CONTROL_CHARACTER: {
    severity: 'warning',
    says: 'a control character, mostly a lost backslash',
    pysigma: 'control_character',
  },
  // Correlations and filters
  LINT_CORRELATION_UNGROUPED: {
    severity: 'info',
    says: 'a correlation without `group-by` counts over all events',
    rsigma: 'missing_group_by',
  },
  LINT_CORRELATION_ONLY: {
    severity: 'info',
    says: 'the rules it names give no alert of their own unless `generate` is true',
    rsigma: 'correlation_only_references',
  },
  LINT_REFERENCE_UNKNOWN: {
    severity: 'warning',
    says: 'a correlation or filter names a rule that none of the folders has',
    rsigma: 'unknown_rule_reference',
  },
  LINT_REFERENCE_TITLE: {
    severity: 'warning',
    says: 'a correlation or filter names a rule by its title: ids and names are references',
    rsigma: 'filter_reference_by_title',
  },
  LINT_FILTER_LEVEL: {
    severity: 'warning',
    says: 'a filter has no `level`',
    fix: 'removed',
    rsigma: 'filter_has_level',
  },
  LINT_FILTER_STATUS: {
    severity: 'warning',
    says: 'a filter has no `status`',
    fix: 'removed',
    rsigma: 'filter_has_status',
  },
  LINT_FILTER_KEEPS: {
    severity: 'warning',
    says: 'a filter whose condition denies nothing: only what it selects still matches',
  },
} as const satisfies Record<string, LintCheck>;

export type LintCode = keyof typeof CHECKS;
export const LINT_CHECKS: Readonly<Record<LintCode, LintCheck>> = CHECKS;
