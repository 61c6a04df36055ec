import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { compileScanner } from '../../../../../detect/sigma/engine/scan/build.ts';

test('the scanner that is kept is what its source compiles to', { timeout: 120_000 }, async () => {
  const kept = await readFile(
    join(import.meta.dirname, '../../../../../detect/sigma/engine/scan/scan-line.wasm'),
  );
  expect(Buffer.from(await compileScanner()).equals(kept)).toBe(true);
});
