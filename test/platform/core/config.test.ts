// Configuration and YAML: every problem at once, each with its line.
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { ConfigError, loadConfig } from '../../../platform/core/config.ts';
import { PicketError } from '../../../platform/core/errors.ts';
import { parseYaml, parseYamlDocuments } from '../../../platform/core/yaml.ts';

const schema = z.strictObject({
  listen: z.strictObject({ port: z.number().int(), host: z.string().default('127.0.0.1') }),
  secret: z.string().optional(),
  sites: z.array(z.strictObject({ id: z.string() })).default([]),
});
const load = (text: string, environment: Record<string, string> = {}, files: Record<string, string> = {}) =>
  loadConfig({
    file: 'picket.yaml',
    schema,
    environment,
    read: (file) => {
      const found = file === 'picket.yaml' ? text : files[file];
      if (found === undefined) throw new Error(`no such file: ${file}`);
      return found;
    },
  });
const problemsOf = (text: string, environment: Record<string, string> = {}): string[] => {
  try {
    load(text, environment);
  } catch (error) {
    if (error instanceof ConfigError) {
      return error.problems.map(({ code, place }) =>
        `${code} ${place.line ?? '-'} ${place.path ?? ''}`.trim(),
      );
    }
    throw error;
  }
  return [];
};

describe('loadConfig', () => {
  it('reads values, defaults, secrets and overrides', () => {
    expect(
      load('listen: { port: 1 }\nsecret: { $env: TOKEN }', {
        TOKEN: 's',
        PICKET_CONFIG__listen__port: '7400',
      }),
    ).toEqual({
      listen: { port: 7400, host: '127.0.0.1' },
      secret: 's',
      sites: [],
    });
    expect(load('listen: { port: 1 }\nsecret: { $file: /run/s }', {}, { '/run/s': 'x\n' }).secret).toBe('x');
  });
  it('reports every problem at once with line and key path', () => {
    const text = 'listen:\n  port: many\n  prot: 1\nsites:\n  - id: a\n  - name: b\nsecret: { $env: NONE }\n';
    expect(problemsOf(text).sort()).toEqual([
      'CONFIG_SECRET 7 secret',
      'CONFIG_UNKNOWN_KEY 3 listen.prot',
      'CONFIG_UNKNOWN_KEY 6 sites.1.name',
      'CONFIG_VALUE 2 listen.port',
      'CONFIG_VALUE 6 sites.1.id',
    ]);
  });
  it('tells broken YAML, a missing file and a list at the top by place', () => {
    expect(problemsOf('a: [1\nb: 2')[0]).toMatch(/^YAML_INVALID \d/);
    expect(() => loadConfig({ file: '/no/such.yaml', schema, environment: {} })).toThrow(ConfigError);
    expect(problemsOf('- 1')[0]).toMatch(/^CONFIG_VALUE/);
    expect(problemsOf('just text')[0]).toMatch(/^CONFIG_VALUE/);
    expect(problemsOf('- 1', { PICKET_CONFIG__listen__port: '1' })).not.toEqual([]);
    expect(problemsOf('5', { PICKET_CONFIG__listen__port: '1' })).not.toEqual([]);
  });
  it('makes a problem of an override that leads nowhere or is no YAML', () => {
    const text = 'listen: { port: 1 }';
    expect(problemsOf(text, { PICKET_CONFIG____proto____x: '1' })).not.toEqual([]);
    expect(problemsOf(text, { PICKET_CONFIG__listen__port__deep: '1' })).not.toEqual([]);
    expect(problemsOf(text, { PICKET_CONFIG__listen__port: '[1' })).not.toEqual([]);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });
});

describe('parseYaml', () => {
  it('knows where each key stands', () => {
    const document = parseYaml({ text: '# note\na:\n  - b: 1\n    "c d": 2\n', file: 'f.yaml' });
    expect(document.placeOf(['a', '0', 'c d'])).toEqual({
      file: 'f.yaml',
      line: 4,
      column: 6,
      path: 'a.0.c d',
    });
    expect(document.placeOf(['a', '7'])).toMatchObject({ line: 2 });
  });
  it('refuses duplicate keys, several documents and alias bombs', () => {
    const bomb = `a: &a [x]\n${Array.from({ length: 1500 }, (_, n) => `k${n}: *a`).join('\n')}`;
    for (const text of ['a: 1\na: 2', 'a: 1\n---\nb: 2', bomb]) {
      expect(() => parseYaml({ text, file: 'f' })).toThrow(expect.objectContaining({ code: 'YAML_INVALID' }));
    }
    expect(parseYaml({ text: '', file: 'f' }).value).toBeNull();
    expect(parseYamlDocuments({ text: 'a: 1\n---\nb: 2', file: 'f' })).toHaveLength(2);
  });
  it('reads back any JSON and throws only PicketError for any text', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: true } as object), (value) => {
        const text = JSON.stringify(value);
        fc.pre(!text.includes('__proto__'));
        expect(parseYaml({ text, file: 'f' }).value).toEqual(JSON.parse(text));
      }),
    );
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        let fault: unknown;
        try {
          parseYamlDocuments({ text, file: 'f' });
        } catch (error) {
          fault = error;
        }
        expect(fault === undefined || fault instanceof PicketError).toBe(true);
      }),
      { numRuns: 2000 },
    );
  });
});
