// Raw events as rules name their fields: evtx_dump's nested XML becomes one flat object, everything else stays as it is.
import type { JsonObject } from '../../platform/core/event.ts';

function isObject(value: unknown): value is JsonObject {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

/**
 * `{"Event": {"System": …, "EventData"|"UserData": …}}` (evtx_dump, the Rust evtx crate) becomes its EventData's
 * members beside Channel, EventID, Computer, Provider_Name and the other members of System, as SigmaHQ's rules
 * name them; attributes are written `Execution_ProcessID`. Any other event is returned as it is.
 */
export function flattenRaw(event: JsonObject): JsonObject {
  const inner = event['Event'];
  if (!isObject(inner) || !isObject(inner['System'])) return event;
  const flat: JsonObject = {};
  const system = inner['System'];
  for (const key in system) flattenElement(flat, key, system[key]);
  copyData(flat, inner['EventData']);
  const user = inner['UserData'];
  if (isObject(user)) {
    for (const key in user) {
      if (key !== '#attributes') copyData(flat, user[key]);
    }
  }
  return flat;
}

/** An element's text under its name, its attributes under `Name_Attribute`; `Name_attributes` siblings too. */
function flattenElement(flat: JsonObject, name: string, value: unknown): void {
  if (!isObject(value)) {
    flat[name] = value;
    return;
  }
  const sibling = name.endsWith('_attributes');
  const attributes = sibling ? value : value['#attributes'];
  const base = sibling ? name.slice(0, -'_attributes'.length) : name;
  if (isObject(attributes)) for (const key in attributes) flat[`${base}_${key}`] = attributes[key];
  if (Object.hasOwn(value, '#text')) flat[name] = value['#text'];
}

function copyData(flat: JsonObject, data: unknown): void {
  if (!isObject(data)) return;
  for (const key in data) {
    if (key === '#attributes') continue;
    const value = data[key];
    const text = isObject(value) && Object.hasOwn(value, '#text') ? value['#text'] : value;
    if (key !== '__proto__') flat[key] = text;
  }
}
