// An nft that hangs says nothing of a script: what stands in force must not be taken out for it.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { createNftCheck } from '../../../respond/posture/executor.ts';

const folder = mkdtempSync(join(tmpdir(), 'picket-nft-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** A program in nft's place: no real one hangs when a test wants it to. */
function writeProgram(name: string, body: string): string {
  const path = join(folder, name);
  writeFileSync(path, `#!/bin/sh\n${body}\n`, { mode: 0o755 });
  return path;
}

test('a check that gets no answer has checked nothing', async () => {
  const check = createNftCheck(writeProgram('hangs', 'exec sleep 30'), 100);
  expect(await check('table inet picket')).toEqual({ checked: false });
});

test('a complaint about the script is an error', async () => {
  const check = createNftCheck(writeProgram('complains', 'cat > /dev/null; echo "syntax error" >&2; exit 1'));
  expect(await check('tabel')).toEqual({ checked: true, error: 'syntax error' });
});
