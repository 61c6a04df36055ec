// Compiles the scanner's AssemblyScript into scan-line.wasm beside this file: node detect/sigma/engine/scan/build.ts
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { main } from 'assemblyscript/asc';

const SOURCE = join(import.meta.dirname, 'assembly', 'scan-line.ts');

/** The module's bytes, the same for the same source and compiler. @throws Error with what the compiler said */
export async function compileScanner(): Promise<Uint8Array> {
  let compiled: Uint8Array | undefined;
  const { error } = await main(
    [
      SOURCE,
      '--outFile',
      'scan-line.wasm',
      '-O3',
      '--runtime',
      'stub',
      '--noAssert',
      '--enable',
      'simd',
      '--enable',
      'bulk-memory',
      '--importMemory',
      '--memoryBase',
      '2048',
      '--noColors',
      '--baseDir',
      '/',
    ],
    {
      writeFile: (name, contents) => {
        if (name.endsWith('.wasm') && typeof contents !== 'string') compiled = contents;
      },
    },
  );
  if (error !== null || compiled === undefined) throw error ?? new Error('asc gave no module');
  return compiled;
}

if (import.meta.main) await writeFile(join(import.meta.dirname, 'scan-line.wasm'), await compileScanner());
