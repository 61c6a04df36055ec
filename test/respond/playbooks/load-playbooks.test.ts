import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { ConfigProblem } from '../../../platform/core/config.ts';
import { loadPlaybooks } from '../../../respond/playbooks/load-playbooks.ts';
import { makeFolder, removeFolder } from '../open-stores.ts';
import { BUNDLED, makeIncident, PLAYBOOKS } from './playbook-text.ts';

const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) removeFolder(folder);
});

function write(files: Record<string, string>): string {
  const folder = makeFolder();
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

async function problemsOf(text: string): Promise<readonly ConfigProblem[]> {
  const { playbooks, refused } = await loadPlaybooks(write({ 'book.yml': text }));
  expect(playbooks).toEqual([]);
  expect(refused.length).toBeGreaterThan(0);
  for (const { place } of refused) expect(place.file).toMatch(/book\.yml$/);
  return refused;
}

const DENY = 'action--3d9e4b7a-8c5f-4e0d-9a2b-4d3c5e6f7a04';
const END = 'end--4c0f5a8b-9d6e-4f1c-8b3c-5e4d6f7a8b05';

describe('loading playbooks', () => {
  test('the bundled ones are good', async () => {
    const { playbooks, refused } = await loadPlaybooks(PLAYBOOKS);
    expect(refused).toEqual([]);
    expect(playbooks.map(({ playbook }) => playbook.name)).toContain('Deny a public address for one hour');
  });

  test('the version follows the content, not its form', async () => {
    const versionOf = async (text: string): Promise<string | undefined> =>
      (await loadPlaybooks(write({ 'a.yml': text }))).playbooks[0]?.version;
    const version = await versionOf(BUNDLED);
    expect(await versionOf(`# another comment\n${BUNDLED}`)).toBe(version);
    expect(await versionOf(BUNDLED.replace('lease_ms: 3600000', 'lease_ms: 3600001'))).not.toBe(version);
  });

  test.each([
    [
      'an action that no site has',
      BUNDLED.replace('command: firewall-deny-address', 'command: reformat-disk'),
      'no action reformat-disk',
      `workflow.${DENY}.commands.0.command`,
    ],
    [
      'a step that is not there',
      BUNDLED.replace(`on_success: ${DENY}`, 'on_success: action--00000000-8c5f-4e0d-9a2b-4d3c5e6f7a04'),
      'no step action--00000000-8c5f-4e0d-9a2b-4d3c5e6f7a04',
      'workflow.action--2e8d3c6f-7b4a-4d9e-8f1a-3c2b4d5e6f03.on_success',
    ],
    [
      'a start that is no start',
      BUNDLED.replace(/workflow_start: .*/, `workflow_start: ${END}`),
      'workflow_start names no start step',
      'workflow_start',
    ],
    [
      'a step whose id says another type',
      BUNDLED.replaceAll(END, END.replace('end--', 'action--')),
      'a step of type end must have an id that begins with it',
      `workflow.${END.replace('end--', 'action--')}`,
    ],
    [
      'a way that comes back',
      BUNDLED.replace(`on_completion: ${END}`, 'on_completion: action--1f7c2d5e-6a3b-4c8d-9e0f-2b1a3c4d5e02'),
      'comes back to action--1f7c2d5e-6a3b-4c8d-9e0f-2b1a3c4d5e02',
      'workflow.action--1f7c2d5e-6a3b-4c8d-9e0f-2b1a3c4d5e02',
    ],
    [
      'on_completion beside on_success',
      BUNDLED.replace(`on_completion: ${END}`, `on_completion: ${END}\n    on_success: ${END}`),
      'on_completion stands alone',
      `workflow.${DENY}`,
    ],
    [
      'a condition that is no KQL',
      BUNDLED.replace('level: high', 'level: high\n    where: "threat.tactic: (("'),
      '',
      'where',
    ],
    ['an unknown key', BUNDLED.replace('labels:', 'labelz:'), 'unknown key `labelz`', 'labelz'],
    [
      'another version of the standard',
      BUNDLED.replace('cacao-2.0', 'cacao-1.1'),
      'cacao-2.0',
      'spec_version',
    ],
    ['a lease of no time', BUNDLED.replace('lease_ms: 3600000', 'lease_ms: 0'), '1000', 'lease_ms'],
  ])('%s is refused with its place', async (_, text, message, path) => {
    expect(text).not.toBe(BUNDLED);
    const problems = await problemsOf(text);
    const found = problems.find((problem) => problem.message.includes(message));
    expect(found?.place.path).toContain(path);
    expect(found?.place.line).toBeGreaterThan(0);
    expect(found?.code).toBe('PLAYBOOK_INVALID');
  });

  test('every fault of a file is told at once', async () => {
    const text = BUNDLED.replace('command: firewall-deny-address', 'command: reformat-disk').replace(
      /workflow_start: .*/,
      `workflow_start: ${END}`,
    );
    expect(await problemsOf(text)).toHaveLength(2);
  });

  test('a broken file, a folder with the name of one and a file of another kind do not stop the others', async () => {
    const folder = write({ 'a.yml': 'a: [', 'b.yml': BUNDLED, 'c.txt': 'not read', 'd.yaml': '' });
    mkdirSync(join(folder, 'e.yml'));
    const { playbooks, refused } = await loadPlaybooks(folder);
    expect(playbooks).toHaveLength(1);
    expect([...new Set(refused.map(({ place }) => place.file?.split('/').at(-1)))]).toEqual([
      'a.yml',
      'd.yaml',
      'e.yml',
    ]);
    for (const { code } of refused) expect(code).not.toBe('INTERNAL');
  });

  test('a trigger condition is worked over the case', async () => {
    const text = BUNDLED.replace('level: high', 'level: high\n    where: "sites: lyon"');
    const { playbooks } = await loadPlaybooks(write({ 'a.yml': text }));
    const [book] = playbooks;
    expect(book?.where(makeIncident('i', [], { sites: ['lyon', 'paris'] }))).toBe(true);
    expect(book?.where(makeIncident('i', [], { sites: ['paris'] }))).toBe(false);
  });
});
