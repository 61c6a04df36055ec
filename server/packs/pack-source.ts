// Reads where a pack comes from: a folder, a zip file or a git address, and nothing that a program could take for an option.
import { isAbsolute } from 'node:path';
import { z } from 'zod';
import { PicketError } from '../../platform/core/errors.ts';

function hasNoControls(text: string): boolean {
  return Array.from({ length: text.length }, (_, at) => text.charCodeAt(at)).every((code) => code >= 0x20);
}

/** A branch, tag or commit: nothing that git could read as an option, a range or a path out. */
export const GitRef = z
  .string()
  .regex(/^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._/-]{0,199}$/, 'not a branch or tag');
/** A folder inside a pack, relative. */
export const InnerPath = z
  .string()
  .regex(/^[^/\\:*?"<>|-][^\\:*?"<>|]{0,300}$/, 'not a folder inside the pack')
  .refine(hasNoControls, 'no control characters')
  .refine((path) => !path.split('/').includes('..'), 'a folder inside the pack');
export const PackName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'lower-case letters, digits and hyphens');

export const PackSource = z.strictObject({
  type: z.enum(['folder', 'zip', 'git']),
  /** An absolute path, or the address of a git repository: https, ssh or file. */
  address: z.string().min(1).max(2_000),
  /** git: the branch or tag; the default branch when left out. */
  ref: GitRef.optional(),
  /** Only what lies in these folders. */
  paths: z.array(InnerPath).min(1).max(50).optional(),
});
export type PackSource = z.infer<typeof PackSource>;

/** `user@host:path`; a second colon would name one of git's transport helpers, which run programs. */
const SCP_LIKE = /^(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9][\w.-]*:(?!\/\/|:|-)\S+$/;

/**
 * What an address is, as people write it: `https://…`, `ssh://…`, `file://…` and `git@host:path` are git; a path
 * that ends in `.zip` a zip file, any other path a folder.
 * @throws PicketError PACK_ADDRESS
 */
export function readAddress(address: string): Pick<PackSource, 'type' | 'address'> {
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\//i.test(address);
  if (isUrl || (!isAbsolute(address) && SCP_LIKE.test(address))) {
    checkGitAddress(address);
    return { type: 'git', address };
  }
  if (!isAbsolute(address))
    throw new PicketError({
      code: 'PACK_ADDRESS',
      message: `not an absolute path or a git address: ${address}`,
    });
  return { type: /\.zip$/i.test(address) ? 'zip' : 'folder', address };
}

/** @throws PicketError PACK_ADDRESS for what git could run or read in another way than meant */
export function checkGitAddress(address: string): void {
  const refuse = (message: string): never => {
    throw new PicketError({ code: 'PACK_ADDRESS', message });
  };
  if (/\s/.test(address) || !hasNoControls(address)) refuse('a git address has no blanks');
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(address)) {
    const url = URL.parse(address) ?? refuse(`not an address: ${address}`);
    if (!['https:', 'ssh:', 'file:'].includes(url.protocol))
      refuse(`git addresses are https, ssh or file: not ${url.protocol.slice(0, -1)}`);
    if (url.hostname.startsWith('-') || url.username.startsWith('-') || url.pathname.startsWith('/-'))
      refuse('a part of the address begins with a hyphen');
    if (url.password !== '')
      refuse('no passwords in addresses: they are stored and shown. Use a credential helper or an ssh key');
    return;
  }
  if (!SCP_LIKE.test(address)) refuse(`not a git address: ${address}`);
}

/** A name for a pack whose source says none: the last part of its address. */
export function nameSource({ address }: Pick<PackSource, 'address'>): string {
  const last =
    address
      .replace(/[/\\]+$/, '')
      .split(/[/\\:]/)
      .at(-1) ?? '';
  const name = last
    .replace(/\.(?:git|zip)$/i, '')
    .toLowerCase()
    .replaceAll(/[^a-z0-9]+/g, '-')
    .replaceAll(/^-+|-+$/g, '')
    .slice(0, 63);
  return name === '' ? 'pack' : name;
}
