/** Sigma rules for Linux, written with Sysmon's field names, see what Tetragon tells. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { compileRules } from '../../detect/sigma/compile-rules.ts';
import { loadPipelines } from '../../detect/sigma/load-pipelines.ts';
import { loadRules } from '../../detect/sigma/load-rules.ts';
import { createLineNormaliser } from '../../server/commands/normalise-line.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-routes-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const rule = (title: string, id: string, category: string, selection: string): string =>
  `title: ${title}
id: ${id}
logsource: { product: linux, category: ${category} }
detection:
  selection:
${selection}
  condition: selection
level: high
`;

test('an executed program is a process_creation, a connection a network_connection, and neither is the other', () => {
  writeFileSync(
    join(folder, 'process.yml'),
    rule(
      'Process',
      'b3f5b0a2-0f0e-4c5a-9a55-0a4c1d1f6a01',
      'process_creation',
      "    Image|endswith: '/scp'\n    ParentImage|endswith: '/sh'\n    CommandLine|contains: '34.116.205.187'",
    ),
  );
  writeFileSync(
    join(folder, 'connection.yml'),
    rule(
      'Connection',
      'b3f5b0a2-0f0e-4c5a-9a55-0a4c1d1f6a02',
      'network_connection',
      "    Image|startswith: '/tmp/'\n    DestinationIp: 34.116.205.187\n    DestinationPort: 443",
    ),
  );
  const { pipelines, routes } = loadPipelines('rules/pipelines');
  if (!routes) throw new Error('no logsource routes');
  const { engine, refused } = compileRules({
    rules: loadRules({ folders: [folder] }).rules,
    pipelines,
    routes,
  });
  expect(refused).toEqual([]);
  const normalise = createLineNormaliser('tetragon');
  const matched = readFileSync('test/fixtures/tetragon/events.ndjson', 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .flatMap((line) => normalise(Buffer.from(line)))
    .flatMap((event) => engine.match(event).map((match) => `${match.rule.name}: ${eventName(event)}`));
  expect(matched).toEqual(['Connection: tetragon.connection', 'Process: tetragon.exec']);
});

function eventName(event: object): string {
  return (event as { event: { dataset: string } }).event.dataset;
}
