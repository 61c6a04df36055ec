// Checks logsource, condition, modifiers and values of a rule or filter.
import { parseDetection } from '../parse-detection.ts';
import { checkItem } from './check-item.ts';
import { type Checked, showValue } from './finding.ts';

const LOGSOURCE_KEYS = ['category', 'product', 'service', 'definition'];
/** Event ids of Windows logs that have a category of their own (Sigma taxonomy appendix). */
const SYSMON_CATEGORIES =
  '1 process_creation,2 file_change,3 network_connection,4 sysmon_status,5 process_termination,6 driver_load,7 image_load,8 create_remote_thread,9 raw_access_thread,10 process_access,11 file_event,12 registry_event,13 registry_set,14 registry_rename,15 create_stream_hash,16 sysmon_status,17 pipe_created,18 pipe_created,19 wmi_event,20 wmi_event,21 wmi_event,22 dns_query,23 file_delete,24 clipboard_capture,25 process_tampering,26 file_delete,27 file_block_executable,28 file_block_shredding,29 file_executable_detected,255 sysmon_error';
const CATEGORIES: Readonly<Record<string, ReadonlyMap<string, string>>> = {
  sysmon: new Map(SYSMON_CATEGORIES.split(',').map((one) => one.split(' ') as [string, string])),
  security: new Map([['4688', 'process_creation']]),
};

export function checkLogsource({ document, edit, report }: Checked): void {
  const { content, placeOf } = document;
  const logsource = content['logsource'];
  if (logsource === null || typeof logsource !== 'object' || Array.isArray(logsource)) return;
  for (const [key, value] of Object.entries(logsource)) {
    const path = ['logsource', key];
    if (!LOGSOURCE_KEYS.includes(key))
      report('LINT_LOGSOURCE_KEY', path, { message: `\`${key}\` is no key of \`logsource\`` });
    else if (key !== 'definition' && typeof value === 'string' && value !== value.toLowerCase())
      report('LINT_LOGSOURCE_CASE', path, { fix: edit.setValue(placeOf(path), key, value.toLowerCase()) });
  }
}

export function checkDetection(checked: Checked): void {
  const { document, kind, report } = checked;
  const { content, placeOf } = document;
  const block = kind === 'filter' ? 'filter' : 'detection';
  const detection = content[block];
  if (detection === null || typeof detection !== 'object' || Array.isArray(detection)) return;
  try {
    const { unused, conditions } = parseDetection({
      detection,
      path: [block],
      placeOf,
      ...(kind === 'filter' ? { reserved: 'rules' } : {}),
    });
    for (const name of unused)
      report('LINT_SELECTION_UNUSED', [block, name], { message: `selection \`${name}\` is in no condition` });
    if (kind === 'filter' && !JSON.stringify(conditions).includes('"op":"not"'))
      report('LINT_FILTER_KEEPS', [block, 'condition']);
  } catch {
    // Already an error of the parser, with its place.
  }
  const entries = Object.entries(detection as Record<string, unknown>);
  const selections = entries.filter(([key]) => !['condition', 'timeframe', 'rules'].includes(key));
  if ('timeframe' in detection) report('LINT_TIMEFRAME', [block, 'timeframe']);
  checkCondition(checked, block, (detection as Record<string, unknown>)['condition'], selections.length);
  for (const [name, node] of selections) visit(checked, node, [block, name]);
}

function checkCondition(checked: Checked, block: string, written: unknown, selections: number): void {
  const { document, edit, report } = checked;
  const texts = Array.isArray(written) ? (written as unknown[]) : [written];
  texts.forEach((text, at) => {
    if (typeof text !== 'string') return;
    const path = [block, 'condition', ...(Array.isArray(written) ? [String(at)] : [])];
    if (/\ball\s+of\s+them\b/i.test(text)) report('LINT_ALL_OF_THEM', path);
    if (selections === 1 && /\bof\s+them\b/i.test(text)) report('LINT_THEM_SINGLE', path);
    const lower = text.replaceAll(/(?<![\w*-])(?:and|or|not|of|them|all|any)(?![\w*-])/gi, (word) =>
      word.toLowerCase(),
    );
    if (lower !== text) {
      const place = document.placeOf(path);
      report('LINT_CONDITION_CASE', path, {
        fix: Array.isArray(written)
          ? edit.setElement(place, text, lower)
          : edit.setValue(place, 'condition', lower),
      });
    }
  });
}

function visit(checked: Checked, node: unknown, path: readonly string[]): void {
  const isScalar = (one: unknown): boolean => one === null || typeof one !== 'object';
  if (isScalar(node) || (Array.isArray(node) && (node as unknown[]).every(isScalar))) {
    // Keywords: values without a field.
    checkItem({ checked, key: '', value: node, path, siblings: [] });
    return;
  }
  if (Array.isArray(node)) {
    (node as unknown[]).forEach((child, at) => visit(checked, child, [...path, String(at)]));
    return;
  }
  if (node === null || typeof node !== 'object') return;
  for (const [key, value] of Object.entries(node)) {
    checkItem({ checked, key, value: value as unknown, path: [...path, key], siblings: Object.keys(node) });
    if (key === 'EventID') checkGeneric(checked, value as unknown, [...path, key]);
  }
}

/** Windows logs whose events have a category: rules of the category work for every product that tells the same. */
function checkGeneric({ document, report }: Checked, value: unknown, path: readonly string[]): void {
  const { product, service } = (document.content['logsource'] ?? {}) as Record<string, unknown>;
  const categories = product === 'windows' && typeof service === 'string' ? CATEGORIES[service] : undefined;
  const values = Array.isArray(value) ? (value as unknown[]) : [value];
  for (const id of values) {
    const category = categories?.get(showValue(id));
    if (category)
      report('LINT_LOGSOURCE_GENERIC', path, {
        message: `event id ${showValue(id)} of ${service as string} is category \`${category}\``,
      });
  }
}
