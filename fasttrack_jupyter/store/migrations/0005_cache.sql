-- Executions whose results may be used again, and what is known of the contents of output folders.
-- An entry without a digest is under way. Times are microseconds since the epoch (UTC).

CREATE TABLE cache (
  num         INTEGER PRIMARY KEY AUTOINCREMENT,   -- what people call it; never used again
  folder      TEXT NOT NULL,                 -- the pipeline folder: results are used again within it
  key         TEXT NOT NULL,
  pipeline    TEXT NOT NULL,
  task        TEXT NOT NULL,
  job         TEXT NOT NULL,                 -- its id; the job may be gone
  idx         INTEGER NOT NULL,
  path        TEXT NOT NULL,
  backend     TEXT NOT NULL,
  outputs_dir TEXT,
  outputs     TEXT,                          -- JSON
  digest      TEXT,                          -- of what lies in outputs_dir
  size        INTEGER NOT NULL DEFAULT 0,
  about       TEXT NOT NULL,                 -- JSON: {parts, told}
  created_at  INTEGER NOT NULL,
  last_used   INTEGER,
  uses        INTEGER NOT NULL DEFAULT 0,
  pinned      INTEGER NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX cache_keys ON cache (folder, key) WHERE digest IS NOT NULL;
CREATE INDEX cache_tasks ON cache (pipeline, task, num) WHERE digest IS NOT NULL;
CREATE UNIQUE INDEX cache_under_way ON cache (job, path) WHERE digest IS NULL;

CREATE TABLE contents (
  place  TEXT PRIMARY KEY,                   -- JSON: [backend, folder, path]
  stamp  TEXT NOT NULL,                      -- of the names, sizes, times and inodes of all files in it
  digest TEXT NOT NULL,
  size   INTEGER NOT NULL,
  files  TEXT NOT NULL                       -- JSON: {path: [device, inode, size, mtime_ns, ctime_ns, sha256]}
) WITHOUT ROWID;
