// What the doctor finds of a site on its own disk: room, certificates, a process that was killed.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { execaSync } from 'execa';
import { afterAll, describe, expect, test } from 'vitest';
import { examineCertificates } from '../../../server/doctor/examine-machine.ts';
import { judgeSpace } from '../../../server/doctor/finding.ts';
import { readSiteConfig } from '../../../server/read-site-config.ts';
import { findProgram } from '../../services/programs.ts';
import { writeSite } from '../site-files.ts';
import { makeFolder, runPicket } from '../start-picket.ts';

const { folder, remove } = makeFolder();
afterAll(remove);

interface Report {
  findings: { subject: string; state: string; message: string; remedy?: string }[];
}

describe('picket doctor', () => {
  test('looks at a site that never ran and changes nothing', async () => {
    const { file, data } = writeSite({ folder: join(folder, 'new'), tier: 'centre' });
    const end = await runPicket(['doctor', file]);
    expect(end).toMatchObject({ stderr: '' });
    expect(end.stdout).toMatch(new RegExp(`ok +process of ${data} +not running`));
    expect(end.stdout).toMatch(/disk of .+ GiB free of/);
    expect(end.stdout).toMatch(/looked at, \d+ warnings, \d+ problems$/m);
  });

  test('tells a process that left its address behind, and brokers and nodes that do not answer', async () => {
    const { file, data } = writeSite({
      folder: join(folder, 'killed'),
      tier: 'centre',
      more: {
        bus: { engine: 'kafka', brokers: ['127.0.0.1:9'] },
        elasticsearch: { nodes: ['http://127.0.0.1:9'] },
        index: { engine: 'elasticsearch' },
      },
    });
    mkdirSync(data, { recursive: true });
    writeFileSync(join(data, 'api.json'), JSON.stringify({ url: 'http://127.0.0.1:9', token: 't', pid: 1 }));
    const end = await runPicket(['doctor', file, '--json']);
    expect(end.code).toBe(1);
    const { findings } = JSON.parse(end.stdout) as Report;
    expect(findings.filter(({ state }) => state === 'problem').map(({ subject }) => subject)).toEqual([
      `process of ${data}`,
      'Kafka at 127.0.0.1:9',
      'Elasticsearch at http://127.0.0.1:9',
    ]);
    for (const { state, remedy } of findings) expect(remedy === undefined).toBe(state === 'good');
  }, 60_000);

  test('tells a configuration that cannot be read', async () => {
    const end = await runPicket(['doctor', join(folder, 'none.yaml')]);
    expect(end.code).not.toBe(0);
    expect(end.stdout).toBe('');
  });

  test.skipIf(findProgram('openssl') === undefined)(
    'tells certificates that end soon, and those that ended',
    () => {
      const at = join(folder, 'tls');
      mkdirSync(at, { recursive: true });
      const [key, certificate] = [join(at, 'key.pem'), join(at, 'certificate.pem')];
      const asked = 'req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 60 -subj /CN=centre';
      execaSync('openssl', [...asked.split(' '), '-keyout', key, '-out', certificate]);
      const { file } = writeSite({
        folder: at,
        tier: 'centre',
        more: { listen: { port: 0, tls: { certificate_file: certificate, key_file: key } } },
      });
      const config = readSiteConfig({ file, environment: {} });
      const after = (days: number): string[] =>
        examineCertificates(config, Date.now() + days * 86_400_000).map(({ state }) => state);
      expect([after(0), after(40), after(61)]).toEqual([['good'], ['warning'], ['problem']]);
    },
  );

  test('judges room by its share', () => {
    const judge = (free: number): string => judgeSpace({ subject: 'd', free, total: 100, remedy: 'r' }).state;
    expect([4, 10, 20].map(judge)).toEqual(['problem', 'warning', 'good']);
    expect(judgeSpace({ subject: 'd', free: 0, total: 0, remedy: 'r' }).state).toBe('good');
  });
});
