/** Writes an empty Java index in Trivy's own format (SQLite, schema 1): our JARs name themselves, so none is needed. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** Writes `java-db/` into Trivy's cache folder. */
export async function writeJavaDatabase(cacheFolder: string, now: Date): Promise<void> {
  const folder = join(cacheFolder, 'java-db');
  await mkdir(folder, { recursive: true });
  const database = new DatabaseSync(join(folder, 'trivy-java.db'));
  database.exec(`
    CREATE TABLE IF NOT EXISTS artifacts(id INTEGER PRIMARY KEY, group_id TEXT, artifact_id TEXT);
    CREATE TABLE IF NOT EXISTS indices(artifact_id INTEGER, version TEXT, sha1 BLOB, archive_type TEXT,
      foreign key (artifact_id) references artifacts(id));
    CREATE UNIQUE INDEX IF NOT EXISTS artifacts_idx ON artifacts(artifact_id, group_id);
    CREATE INDEX IF NOT EXISTS indices_artifact_idx ON indices(artifact_id);
    CREATE UNIQUE INDEX IF NOT EXISTS indices_sha1_idx ON indices(sha1);
  `);
  database.close();
  const next = new Date(now.getTime() + 365 * 86_400_000);
  const metadata = { Version: 1, NextUpdate: next, UpdatedAt: now, DownloadedAt: now };
  await writeFile(join(folder, 'metadata.json'), JSON.stringify(metadata));
}
