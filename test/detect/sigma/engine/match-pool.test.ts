import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { MatchPool } from '../../../../detect/sigma/engine/match-pool.ts';
import { PIPELINES_FOLDER, ruleText } from '../compile-text.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-pool-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
writeFileSync(join(folder, 'rule.yml'), ruleText('  sel:\n    A: foo\n  condition: sel'));
writeFileSync(join(folder, 'bad.yml'), 'title: bad\n');

const block = (text: string): Uint8Array<ArrayBuffer> => new Uint8Array(Buffer.from(text));

describe('a pool of matching threads', () => {
  it('gives for each block what its lines match, whichever thread works it', async () => {
    const pool = await MatchPool.open({
      threads: 2,
      rules: { folders: [folder], pipelines: PIPELINES_FOLDER, raw: true },
    });
    expect(pool.rules.map(({ name }) => name)).toEqual(['Test']);
    expect(pool.refused.map(({ code }) => code)).toEqual(['SIGMA_DETECTION']);
    const results = await Promise.all(
      Array.from({ length: 20 }, (_, at) =>
        pool.match(block(`{"A":"${at % 2 ? 'foo' : 'bar'}"}\n\nrubbish\n{"A":"FOO"}`)),
      ),
    );
    results.forEach(({ lines, events, matches, faults }, at) => {
      expect([lines, events]).toEqual([4, 2]);
      expect([...matches]).toEqual(at % 2 ? [0, 0, 3, 0] : [3, 0]);
      expect(faults).toMatchObject([{ line: 2, code: 'JSON_INVALID' }]);
    });
    await pool.close();
  });

  it('says why it cannot start', async () => {
    await expect(
      MatchPool.open({ threads: 1, rules: { folders: [folder], pipelines: folder, raw: true } }),
    ).rejects.toThrow('logsources.yaml');
  });
});
