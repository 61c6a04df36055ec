// Reads EventData for the mappings: empty marks are no values, paths have names, accounts have domains.
import type { JsonObject } from '../../../platform/core/event.ts';
import { writeField } from '../../../platform/core/fields.ts';
import { asAddress, asInteger, asPort, baseName } from '../../read-value.ts';

/** What Windows writes where there is nothing. */
const EMPTY = new Set(['', '-', '%%1793', 'S-1-0-0', '{00000000-0000-0000-0000-000000000000}']);

/** A mapping from a member of EventData to an ECS field. */
export type Mapping = readonly [member: string, field: string, read?: (value: string) => unknown];

export type EventData = Readonly<Record<string, string>>;

/** A member that says something. */
export function say(data: EventData, member: string): string | undefined {
  const value = Object.hasOwn(data, member) ? data[member] : undefined;
  return value === undefined || EMPTY.has(value) ? undefined : value;
}

/** Writes each member that says something; `read` returning undefined leaves the field out. */
export function applyMappings(fields: JsonObject, data: EventData, mappings: readonly Mapping[]): void {
  for (const [member, field, read] of mappings) {
    const value = say(data, member);
    if (value !== undefined) writeField(fields, field, read ? read(value) : value);
  }
}

export const readInteger = (value: string): number | undefined => asInteger(value);
export const readPort = (value: string): number | undefined => asPort(value);

/** An address; `::ffff:10.0.0.1` as IPv4, local marks (`LOCAL`) as nothing. */
export const readAddress = (value: string): string | undefined => asAddress(value);

export const readName = (value: string): string => baseName(value);

/** Path, name, extension and directory of a file. */
export function writeFile(fields: JsonObject, prefix: string, path: string): void {
  const name = baseName(path);
  const dot = name.lastIndexOf('.');
  writeField(fields, `${prefix}.path`, path);
  writeField(fields, `${prefix}.name`, name);
  if (dot > 0 && dot < name.length - 1)
    writeField(fields, `${prefix}.extension`, name.slice(dot + 1).toLowerCase());
  if (path.length > name.length) writeField(fields, `${prefix}.directory`, path.slice(0, -name.length - 1));
}

/** `SHA1=…,MD5=…,IMPHASH=…` as ECS hashes; hashes of nothing but zeros are none. */
export function writeHashes(fields: JsonObject, prefix: string, hashes: string): void {
  for (const part of hashes.split(',')) {
    const [kind = '', value = ''] = part.split('=');
    const digest = value.trim().toLowerCase();
    if (!/^[0-9a-f]{32,64}$/.test(digest) || /^0+$/.test(digest)) continue;
    const name = kind.trim().toLowerCase();
    if (name === 'imphash') writeField(fields, `${prefix}.pe.imphash`, digest);
    else if (name === 'md5' || name === 'sha1' || name === 'sha256')
      writeField(fields, `${prefix}.hash.${name}`, digest);
  }
}

/** `DOMAIN\name` as user.domain and user.name; a bare name alone. */
export function writeAccount(fields: JsonObject, prefix: string, account: string): void {
  const slash = account.indexOf('\\');
  if (slash > 0) writeField(fields, `${prefix}.domain`, account.slice(0, slash));
  writeField(fields, `${prefix}.name`, account.slice(slash + 1));
}

/** Hive, key, path and value of a registry path; the hives in their short names. */
export function writeRegistry(fields: JsonObject, path: string, hasValue: boolean): void {
  const [hive = '', ...rest] = path.replace(/^\\REGISTRY\\/i, '').split('\\');
  const short = HIVES[hive.toUpperCase()] ?? hive;
  writeField(fields, 'registry.path', path);
  writeField(fields, 'registry.hive', short);
  writeField(fields, 'registry.key', (hasValue ? rest.slice(0, -1) : rest).join('\\'));
  if (hasValue) writeField(fields, 'registry.value', rest.at(-1) ?? '');
}

const HIVES: Readonly<Record<string, string>> = {
  HKEY_CLASSES_ROOT: 'HKCR',
  HKEY_CURRENT_USER: 'HKCU',
  HKEY_LOCAL_MACHINE: 'HKLM',
  MACHINE: 'HKLM',
  HKEY_USERS: 'HKU',
  USER: 'HKU',
};
