-- Names, tags, notes, priorities and idempotency keys of jobs; the Git commit that a task ran.

ALTER TABLE jobs ADD COLUMN name TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN tags TEXT NOT NULL DEFAULT '[]';     -- JSON
ALTER TABLE jobs ADD COLUMN note TEXT NOT NULL DEFAULT '';
ALTER TABLE jobs ADD COLUMN priority INTEGER NOT NULL DEFAULT 0;
ALTER TABLE jobs ADD COLUMN key TEXT;
CREATE UNIQUE INDEX jobs_key ON jobs (key) WHERE key IS NOT NULL;

ALTER TABLE instances ADD COLUMN git_commit TEXT;
ALTER TABLE attempts ADD COLUMN git_commit TEXT;
