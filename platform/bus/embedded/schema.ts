// The tables of the embedded bus; each segment is a table of its own beside them, so that it is dropped whole.

export const BUS_SCHEMA_VERSION = 1;

/** `meta` of a message is the JSON `[key, headers]`: JSON keeps NUL and lone surrogates, which SQLite text does not. */
export const BUS_SCHEMA = `
CREATE TABLE IF NOT EXISTS topic (
  id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, partitions INTEGER NOT NULL,
  retention_ms INTEGER NOT NULL, retention_bytes INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS segment (
  id INTEGER PRIMARY KEY AUTOINCREMENT, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL,
  base INTEGER NOT NULL, next INTEGER NOT NULL, first_time INTEGER NOT NULL, last_time INTEGER NOT NULL,
  bytes INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS committed (
  group_name TEXT NOT NULL, topic_id INTEGER NOT NULL, partition INTEGER NOT NULL, next INTEGER NOT NULL,
  PRIMARY KEY (group_name, topic_id, partition)
) WITHOUT ROWID
`;

export function createSegmentTable(id: number): string {
  return `CREATE TABLE segment_${id} (
    position INTEGER PRIMARY KEY, timestamp INTEGER NOT NULL, meta TEXT NOT NULL, value BLOB NOT NULL
  )`;
}
