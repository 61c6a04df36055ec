// The compose file: loaded by the loader of the Compose Specification, and its site by our own schema.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { load } from 'js-yaml';
import { afterAll, describe, expect, test } from 'vitest';
import { readSiteConfig } from '../../server/read-site-config.ts';
import { ROLES } from '../../server/roles/role.ts';
import { elasticsearchVersion, kafkaVersion, requireProgram } from '../services/programs.ts';
import { requireReal } from '../services/require-real.ts';

const COMPOSE = join(import.meta.dirname, '..', '..', 'deploy', 'compose');

interface Project {
  readonly services: Record<
    string,
    { image: string; command?: string[]; volumes?: { source: string; target: string }[] }
  >;
}

describe('the compose file', () => {
  const folder = mkdtempSync(join(tmpdir(), 'picket-compose-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));

  /** The file as an engine fills it in: `${NAME:?why}` and `${NAME:-default}` from `.env`. */
  const fillIn = (text: string, environment: ReadonlyMap<string, string>): string =>
    text.replace(/\$\{(\w+)(:[?-])([^}]*)\}/g, (_, name: string, kind: string, rest: string) => {
      const value = environment.get(name);
      if (value) return value;
      if (kind === ':?') throw new Error(`${name}: ${rest}`);
      return rest;
    });
  const readEnvironment = (): Map<string, string> =>
    new Map(
      readFileSync(join(COMPOSE, '.env.example'), 'utf8')
        .split('\n')
        .flatMap((line) => {
          const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? [];
          return name === undefined ? [] : [[name, value ?? ''] as const];
        }),
    );
  const compose = readFileSync(join(COMPOSE, 'compose.yaml'), 'utf8');

  test('is one that the Compose Specification takes, with the servers that were tested and every role', async (context) => {
    requireReal(context, 'compose-check');
    writeFileSync(
      join(folder, 'compose.yaml'),
      fillIn(compose, readEnvironment().set('ELASTIC_PASSWORD', 'secret')),
    );
    // The loader of the specification is run on what is filled in: its own program forgets the environment.
    const { stdout, stderr, exitCode } = await execa(
      requireProgram('compose-check'),
      ['--format=json', '--no-interpolation', 'compose.yaml'],
      { cwd: folder, reject: false, timeout: 30_000 },
    );
    expect({ stderr, exitCode }).toEqual({ stderr: '', exitCode: 0 });
    const { services } = JSON.parse(stdout) as Project;
    expect(services['kafka']?.image).toBe(`docker.io/apache/kafka:${kafkaVersion}`);
    expect(services['elasticsearch']?.image).toBe(
      `docker.elastic.co/elasticsearch/elasticsearch:${elasticsearchVersion}`,
    );
    const roles = Object.values(services).flatMap(({ command = [] }) =>
      command.filter((_, at) => command[at - 1] === '--role'),
    );
    expect(new Set(roles)).toEqual(new Set(ROLES));
  });

  test('does not start without a password of its own', () => {
    expect(() => fillIn(compose, readEnvironment())).toThrow('ELASTIC_PASSWORD: say which in .env');
  });

  test('brings a site that Picket takes, whose ports are those that the file opens', () => {
    const file = join(COMPOSE, 'site.yaml');
    const config = readSiteConfig({ file, environment: { PICKET_ES_PASSWORD: 'x' } });
    const filled = fillIn(compose, readEnvironment().set('ELASTIC_PASSWORD', 'secret'));
    const { services } = load(filled) as {
      services: Record<string, { ports?: string[] }>;
    };
    const opened = Object.values(services).flatMap(({ ports = [] }) =>
      ports.map((port) => Number(port.split(':').at(-1))),
    );
    expect(new Set(opened)).toEqual(new Set([config.ingest?.port, config.listen.port, config.link?.port]));
  });
});
