// Lists the benches in this folder, or runs one: progress on stderr, a table and a last line of JSON on stdout.
import { readdir } from 'node:fs/promises';
import { parseArgs } from 'node:util';

/** What every other file of this folder exports. */
interface Bench {
  readonly description: string;
  run(options: { progress: (line: string) => void }): Promise<{
    table: Record<string, string | number>[];
    figures: Record<string, number | string>;
  }>;
}

const EXIT_FAILED = 1;
const EXIT_USAGE = 2;

/** 0 when it went well, 1 when the bench failed, 2 for a name that is none. */
async function main(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'boolean', default: false } },
  });
  const files = await readdir(import.meta.dirname);
  const names = files
    .filter((file) => file.endsWith('.ts') && file !== 'run.ts')
    .map((file) => file.slice(0, -'.ts'.length))
    .sort();
  const [name, ...more] = positionals;
  if (name === undefined) return list(names, values.json);
  if (more.length > 0 || !names.includes(name)) {
    process.stderr.write(`no such bench: ${positionals.join(' ')}\nthere are: ${names.join(', ')}\n`);
    return EXIT_USAGE;
  }
  const bench = await load(name);
  if (!bench) {
    process.stderr.write(`bench/${name}.ts exports no description and run\n`);
    return EXIT_FAILED;
  }
  const { table, figures } = await bench.run({ progress: (line) => process.stderr.write(`${line}\n`) });
  if (!values.json) console.table(table);
  process.stdout.write(`${JSON.stringify({ bench: name, ...figures })}\n`);
  return 0;
}

async function list(names: readonly string[], json: boolean): Promise<number> {
  const width = Math.max(0, ...names.map((name) => name.length));
  for (const name of names) {
    const bench = await load(name);
    if (!bench) continue;
    const { description } = bench;
    process.stdout.write(
      json ? `${JSON.stringify({ bench: name, description })}\n` : `${name.padEnd(width)}  ${description}\n`,
    );
  }
  return 0;
}

/** Undefined for a file that is no bench (a part of one). */
async function load(name: string): Promise<Bench | undefined> {
  const module: unknown = await import(new URL(`./${name}.ts`, import.meta.url).href);
  return isBench(module) ? module : undefined;
}

function isBench(module: unknown): module is Bench {
  return (
    typeof module === 'object' &&
    module !== null &&
    'description' in module &&
    typeof module.description === 'string' &&
    'run' in module &&
    typeof module.run === 'function'
  );
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exitCode = EXIT_FAILED;
}
