// Lists what an archive's node_modules holds, with versions and licences, as its notices file.
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** Markdown: a table of every package under a node_modules folder, by name and version. */
export async function listLicences(folder: string): Promise<string> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const rows = new Set<string>();
  for (const { name, parentPath } of entries) {
    // A package's own manifest stands directly in node_modules/<name> or node_modules/@scope/<name>.
    if (name !== 'package.json' || !/node_modules\/(?:@[^/]+\/)?[^/@]+$/.test(parentPath)) continue;
    const found = JSON.parse(await readFile(join(parentPath, name), 'utf8')) as {
      name?: string;
      version?: string;
      license?: unknown;
    };
    const licence = typeof found.license === 'string' ? found.license : 'see its folder';
    rows.add(`| ${found.name} | ${found.version} | ${licence} |`);
  }
  return `# What this archive contains besides Picket\n\nNode.js: runtime/LICENSE. npm packages, each with its licence text in node_modules:\n\n| package | version | licence |\n|---|---|---|\n${[...rows].sort().join('\n')}\n`;
}
