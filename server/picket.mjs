#!/usr/bin/env node
// The installed command `picket`: starts the program on the Node that the project pins, whatever node was found first.
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';

const program = join(import.meta.dirname, 'picket.ts');
if (Number(process.versions.node.split('.')[0]) >= 24) await import('./picket.ts');
else {
  const pinned = join(import.meta.dirname, '..', 'node_modules', '.bin', 'node');
  if (!existsSync(pinned)) {
    process.stderr.write(`picket: needs Node 24, this is ${process.versions.node}: run \`npm ci\`, which brings it\n`);
    process.exit(3);
  }
  // Signals of the terminal reach both processes; this one waits for the other.
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => undefined);
  const { status, signal } = spawnSync(pinned, [program, ...process.argv.slice(2)], { stdio: 'inherit' });
  process.exitCode = status ?? 128 + (signal ? (constants.signals[signal] ?? 0) : 0);
}
