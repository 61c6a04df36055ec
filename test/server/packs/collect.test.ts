// Packs from folders, zip files and git: what is taken, and that nothing hostile gets out, in, or too far.
import { execFileSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { collectFolder } from '../../../server/packs/collect-folder.ts';
import { collectGit, GIT_LIMITS } from '../../../server/packs/collect-git.ts';
import { collectZip } from '../../../server/packs/collect-zip.ts';
import { PACK_LIMITS, PackFiles } from '../../../server/packs/pack-files.ts';
import { GitRef, InnerPath, nameSource, readAddress } from '../../../server/packs/pack-source.ts';
import { makeZip } from './make-zip.ts';

let folder = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'picket-pack-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const { signal } = new AbortController();
const namesOf = (files: PackFiles): string[] => files.files.map(({ name }) => name).sort();
const RULE = 'title: a\nlogsource: { product: x }\ndetection: { s: { a: 1 }, condition: s }\n';

describe('a folder', () => {
  test('gives its rule files and licences, and leaves out links, hidden folders and the rest', async () => {
    const source = join(folder, 'source');
    mkdirSync(join(source, 'rules', 'deep'), { recursive: true });
    mkdirSync(join(source, '.github'));
    writeFileSync(join(source, 'LICENSE.md'), 'MIT');
    writeFileSync(join(source, 'README.md'), 'read');
    writeFileSync(join(source, '.github', 'workflow.yml'), 'x');
    writeFileSync(join(source, 'rules', 'a.yml'), RULE);
    writeFileSync(join(source, 'rules', 'deep', 'b.YAML'), RULE);
    writeFileSync(join(folder, 'secret.yml'), 'secret');
    symlinkSync(join(folder, 'secret.yml'), join(source, 'rules', 'link.yml'));
    symlinkSync('/', join(source, 'rules', 'root'));
    const files = new PackFiles({});
    await collectFolder({ folder: source, into: files, signal });
    expect(namesOf(files)).toEqual(['LICENSE.md', 'rules/a.yml', 'rules/deep/b.YAML']);
    expect(files.skipped).toBe(2);
    const some = new PackFiles({ paths: ['rules/deep'] });
    await collectFolder({ folder: source, into: some, signal });
    expect(namesOf(some)).toEqual(['LICENSE.md', 'rules/deep/b.YAML']);
  });

  test('that is too large is refused, by files, by bytes, by one file', async () => {
    for (let at = 0; at < 5; at++) writeFileSync(join(folder, `${at}.yml`), 'x'.repeat(100));
    for (const limits of [
      { ...PACK_LIMITS, files: 4 },
      { ...PACK_LIMITS, total_bytes: 450 },
      { ...PACK_LIMITS, file_bytes: 99 },
      { ...PACK_LIMITS, entries: 4 },
    ]) {
      const taken = collectFolder({ folder, into: new PackFiles({ limits }), signal });
      await expect(taken).rejects.toMatchObject({ code: 'PACK_LIMIT' });
    }
    await expect(
      collectFolder({ folder: join(folder, 'none'), into: new PackFiles({}), signal }),
    ).rejects.toMatchObject({ code: 'PACK_UNREADABLE' });
  });
});

describe('a zip file', () => {
  const take = async (bytes: Buffer, limits = PACK_LIMITS): Promise<PackFiles> => {
    const file = join(folder, 'pack.zip');
    writeFileSync(file, bytes);
    const into = new PackFiles({ limits });
    await collectZip({ file, into, signal });
    return into;
  };

  test('gives its files, without the one folder around them', async () => {
    const files = await take(
      makeZip([
        { name: 'sigma-main/LICENSE', content: 'MIT' },
        { name: 'sigma-main/rules/', content: '' },
        { name: 'sigma-main/rules/a.yml', content: RULE, deflate: true },
        { name: 'sigma-main/tool.py', content: 'x' },
      ]),
    );
    expect(namesOf(files)).toEqual(['LICENSE', 'rules/a.yml']);
    expect(files.files.find(({ name }) => name === 'rules/a.yml')?.bytes.toString()).toBe(RULE);
  });

  test.each([
    '../evil.yml',
    'rules/../../evil.yml',
    '/etc/evil.yml',
    'C:\\evil.yml',
    'rules\\..\\..\\evil.yml',
  ])('with the name %j is refused whole (zip slip)', async (name) => {
    const zip = makeZip([
      { name: 'good.yml', content: RULE },
      { name, content: RULE },
    ]);
    await expect(take(zip)).rejects.toMatchObject({ code: 'PACK_UNSAFE' });
  });

  test('has its links and devices left out', async () => {
    const files = await take(
      makeZip([
        { name: 'a.yml', content: RULE },
        { name: 'link.yml', content: '/etc/passwd', mode: 0o120_777 },
        { name: 'device.yml', content: '', mode: 0o020_666 },
      ]),
    );
    expect(namesOf(files)).toEqual(['a.yml']);
    expect(files.skipped).toBe(2);
  });

  test('that is a bomb is refused, whether it says its size or lies', async () => {
    const bomb = 'a'.repeat(3_000_000);
    const honest = makeZip([{ name: 'bomb.yml', content: bomb, deflate: true }]);
    expect(honest.length).toBeLessThan(10_000);
    await expect(take(honest)).rejects.toMatchObject({ code: 'PACK_LIMIT' });
    const liar = makeZip([{ name: 'bomb.yml', content: bomb, deflate: true, claims: 100 }]);
    await expect(take(liar)).rejects.toMatchObject({
      code: expect.stringMatching(/^PACK_(?:LIMIT|UNREADABLE)$/) as string,
    });
    const many = makeZip(
      Array.from({ length: 20 }, (_, at) => ({
        name: `${at}.yml`,
        content: 'a'.repeat(1_000),
        deflate: true,
      })),
    );
    await expect(take(many, { ...PACK_LIMITS, total_bytes: 10_000 })).rejects.toMatchObject({
      code: 'PACK_LIMIT',
    });
  });

  test('that is none says so', async () => {
    await expect(take(Buffer.from('not a zip'))).rejects.toMatchObject({ code: 'PACK_UNREADABLE' });
  });
});

describe('a git repository', () => {
  const git = (cwd: string, ...args: string[]): string =>
    execFileSync('git', ['-c', 'user.name=t', '-c', 'user.email=t@t', ...args], { cwd, encoding: 'utf8' });

  function makeRepository(): string {
    const repository = join(folder, 'origin');
    mkdirSync(join(repository, 'rules'), { recursive: true });
    git(repository, 'init', '--quiet', '--initial-branch=main');
    writeFileSync(join(repository, 'rules', 'a.yml'), RULE);
    writeFileSync(join(repository, 'LICENSE'), 'MIT');
    symlinkSync('/etc/passwd', join(repository, 'rules', 'link.yml'));
    git(repository, 'add', '.');
    git(repository, 'commit', '--quiet', '-m', 'first');
    return repository;
  }
  const take = (address: string, more: Partial<Parameters<typeof collectGit>[0]> = {}) => {
    const into = new PackFiles({});
    return collectGit({ address, ref: undefined, folder, into, signal, ...more }).then((commit) => ({
      commit,
      into,
    }));
  };

  test('gives the files of its branch or tag with the commit, and leaves nothing behind', async () => {
    const repository = makeRepository();
    const first = git(repository, 'rev-parse', 'HEAD').trim();
    git(repository, 'tag', 'v1');
    writeFileSync(join(repository, 'rules', 'b.yml'), RULE);
    git(repository, 'add', '.');
    git(repository, 'commit', '--quiet', '-m', 'second');
    const head = await take(`file://${repository}`);
    expect(head.commit).toBe(git(repository, 'rev-parse', 'HEAD').trim());
    expect(namesOf(head.into)).toContain('rules/b.yml');
    const tag = await take(`file://${repository}`, { ref: 'v1' });
    expect(tag.commit).toBe(first);
    expect(namesOf(tag.into)).not.toContain('rules/b.yml');
    // A link in a repository becomes a file with its target's name: text, not what it points at.
    const link = tag.into.files.find(({ name }) => name === 'rules/link.yml');
    expect(link?.bytes.toString() ?? '').not.toContain('root:');
    expect(readdirSync(folder).filter((name) => name.startsWith('.clone'))).toEqual([]);
  }, 60_000);

  test('runs nothing of what a hostile address or ref holds', async () => {
    const mark = join(folder, 'ran');
    const script = join(folder, 'evil.sh');
    writeFileSync(script, `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    for (const address of [
      `--upload-pack=${script}`,
      `ext::${script}`,
      `ext::sh -c touch% ${mark}`,
      `fd::17`,
      `ssh://-oProxyCommand=${script}/x`,
      `-oProxyCommand=${script}:x`,
      `host:--upload-pack=${script}`,
      `http://127.0.0.1/x.git`,
      `git://127.0.0.1/x.git`,
      `https://user:secret@127.0.0.1/x.git`,
      `file:///-evil`,
      `https://a b/c`,
      '',
    ])
      await expect(take(address)).rejects.toMatchObject({ code: 'PACK_ADDRESS' });
    const repository = makeRepository();
    for (const ref of [`--upload-pack=${script}`, '-b', 'a..b', 'a b', '$(id)', ''])
      await expect(take(`file://${repository}`, { ref })).rejects.toThrow('not a branch or tag');
    expect(existsSync(mark)).toBe(false);
  }, 60_000);

  test('runs no hook, filter or submodule of the repository', async () => {
    const repository = makeRepository();
    const mark = join(folder, 'ran');
    mkdirSync(join(repository, 'hooks'));
    writeFileSync(join(repository, 'hooks', 'post-checkout'), `#!/bin/sh\ntouch ${mark}\n`, { mode: 0o755 });
    writeFileSync(join(repository, '.gitattributes'), '*.yml filter=lfs\n');
    writeFileSync(
      join(repository, '.gitmodules'),
      `[submodule "x"]\n\tpath = x\n\turl = file://${join(folder, 'other')}\n`,
    );
    git(repository, 'add', '.');
    git(repository, 'commit', '--quiet', '-m', 'evil');
    const { into } = await take(`file://${repository}`);
    expect(namesOf(into)).toContain('rules/a.yml');
    expect(existsSync(mark)).toBe(false);
  }, 60_000);

  test('that is too large, or is not there, ends with its reason', async () => {
    const repository = makeRepository();
    writeFileSync(join(repository, 'big.bin'), Buffer.alloc(300_000, 'x'));
    git(repository, 'add', '.');
    git(repository, 'commit', '--quiet', '-m', 'big');
    await expect(
      take(`file://${repository}`, { limits: { ...GIT_LIMITS, clone_bytes: 100_000 } }),
    ).rejects.toMatchObject({ code: 'PACK_LIMIT' });
    await expect(take(`file://${join(folder, 'nowhere')}`)).rejects.toMatchObject({ code: 'PACK_GIT' });
    await expect(take(`file://${repository}`, { ref: 'nowhere' })).rejects.toMatchObject({
      code: 'PACK_GIT',
    });
    await expect(
      take(`file://${repository}`, { limits: { ...GIT_LIMITS, timeout_ms: 1 } }),
    ).rejects.toMatchObject({ code: 'PACK_TIMEOUT' });
    await expect(take(`file://${repository}`, { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'PACK_CANCELLED',
    });
    expect(readdirSync(folder).filter((name) => name.startsWith('.clone'))).toEqual([]);
    expect(readFileSync(join(repository, 'rules', 'a.yml'), 'utf8')).toBe(RULE);
  }, 60_000);
});

describe('an address', () => {
  test.each([
    ['https://github.com/SigmaHQ/sigma.git', 'git', 'sigma'],
    ['git@github.com:SigmaHQ/sigma.git', 'git', 'sigma'],
    ['ssh://git@host:2222/rules', 'git', 'rules'],
    ['file:///srv/Our Rules'.replace(' ', '-'), 'git', 'our-rules'],
    ['/srv/rules.ZIP', 'zip', 'rules'],
    ['/srv/rules/', 'folder', 'rules'],
    ['/', 'folder', 'pack'],
  ])('%s is a %s, called %s', (address, type, name) => {
    expect(readAddress(address)).toEqual({ type, address });
    expect(nameSource({ address })).toBe(name);
  });

  test('that is relative, and inner paths that lead out, are refused', () => {
    expect(() => readAddress('rules')).toThrow(expect.objectContaining({ code: 'PACK_ADDRESS' }));
    for (const path of ['../x', '/x', 'a/../../b', '-x', 'a\\b', ''])
      expect([path, InnerPath.safeParse(path).success]).toEqual([path, false]);
    for (const path of ['rules', 'rules/windows', 'rules-x'])
      expect(InnerPath.safeParse(path).success).toBe(true);
    expect(GitRef.safeParse('release/1.2_x').success).toBe(true);
  });
});
