import { readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parseYaml } from '../../platform/core/yaml.ts';
import { ACTIONS, findAction } from '../../respond/actions/registry.ts';
import { NOTIFIERS } from '../../respond/notify/registry.ts';

const RESPOND = join(dirname(dirname(import.meta.dirname)), 'respond');

function foldersOf(part: string): string[] {
  return readdirSync(join(RESPOND, part), { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

describe('the registries of respond', () => {
  test('list exactly the folders of respond/actions and respond/notify, each with its schema', () => {
    expect(ACTIONS.map(({ id }) => id).sort()).toEqual(foldersOf('actions'));
    expect(NOTIFIERS.map(({ id }) => id).sort()).toEqual(foldersOf('notify'));
    for (const [part, adapters] of [
      ['actions', ACTIONS],
      ['notify', NOTIFIERS],
    ] as const) {
      for (const { id } of adapters) {
        expect(readdirSync(join(RESPOND, part, id))).toEqual(
          expect.arrayContaining(['index.ts', 'schema.ts']),
        );
      }
    }
  });

  test.each(ACTIONS.map((action) => [action.id, action] as const))(
    '%s describes itself, and its example is a step of a playbook that it accepts',
    (id, action) => {
      expect(action.title).not.toBe('');
      expect(action.description).not.toBe('');
      expect(action.permissions.length).toBeGreaterThan(0);
      const { value } = parseYaml({ text: action.example, file: id });
      const step = value as { command: string; lease_ms: number; parameters: Record<string, string> };
      expect(step.command).toBe(id);
      expect(step.lease_ms).toBeLessThanOrEqual(action.longest_lease_ms);
      const filled = Object.fromEntries(
        Object.entries(step.parameters).map(([name, text]) => [
          name,
          text.replace('__address__:value', '203.0.113.7'),
        ]),
      );
      expect(action.parameters.safeParse(filled).success).toBe(true);
    },
  );

  test.each(NOTIFIERS.map((notifier) => [notifier.id, notifier] as const))(
    '%s has an example that its schema accepts once the secret is there',
    (_, notifier) => {
      const { value } = parseYaml({ text: notifier.example, file: notifier.id });
      const [{ id: _id, type, ...parameters }] = (value as { notifiers: [Record<string, unknown>] })
        .notifiers;
      expect(type).toBe(notifier.id);
      const filled = { ...parameters, secret: `whsec_${Buffer.alloc(32).toString('base64')}` };
      expect(notifier.parameters.safeParse(filled).success).toBe(true);
    },
  );

  test('an unknown action is none, also under a name that every object has', () => {
    expect(findAction('constructor')).toBeUndefined();
    expect(findAction('__proto__')).toBeUndefined();
  });
});
