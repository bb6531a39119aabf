-- Pipelines, jobs, task instances, attempts, events. Times are microseconds since the epoch (UTC).
--
-- Inside, a job is an integer and a task instance is `job << 24 | ordinal`, so that a job's
-- instances lie side by side, every update is one search by rowid, and an event costs no text.

CREATE TABLE pipelines (
  num        INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  folder     TEXT NOT NULL UNIQUE,
  source     TEXT,
  created_at INTEGER NOT NULL,
  last_index INTEGER NOT NULL DEFAULT 0      -- index of the newest job ever made; never used again
);

CREATE TABLE texts (                         -- a pipeline's YAML, once however often it is run
  num    INTEGER PRIMARY KEY,
  sha256 BLOB NOT NULL UNIQUE,
  text   BLOB NOT NULL                       -- UTF-8, zlib
);

CREATE TABLE jobs (
  num        INTEGER PRIMARY KEY AUTOINCREMENT,
  id         TEXT NOT NULL UNIQUE,
  pipeline   INTEGER NOT NULL REFERENCES pipelines (num),
  idx        INTEGER NOT NULL,
  folder     TEXT NOT NULL,
  text       INTEGER NOT NULL REFERENCES texts (num),
  source     TEXT,
  backend    TEXT NOT NULL,
  params     TEXT NOT NULL,                  -- JSON
  status     TEXT NOT NULL DEFAULT 'PENDING',
  result     TEXT NOT NULL DEFAULT 'UNDEFINED',
  reason     TEXT,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at   INTEGER,
  rerun_of   TEXT,
  code       TEXT,
  options    TEXT NOT NULL,                  -- JSON
  UNIQUE (pipeline, idx)
);
CREATE INDEX jobs_unfinished ON jobs (num) WHERE status IN ('PENDING', 'RUNNING');

CREATE TABLE instances (
  num         INTEGER PRIMARY KEY,           -- job << 24 | ordinal
  path        TEXT NOT NULL,
  task        TEXT,                          -- where it is not the path itself
  status      TEXT NOT NULL,
  result      TEXT,
  reason      TEXT,
  attempts    INTEGER NOT NULL DEFAULT 0,
  exit_code   INTEGER,
  started_at  INTEGER,
  ended_at    INTEGER,
  outputs_dir TEXT,
  outputs     TEXT,                          -- JSON, and so are the next four
  usage       TEXT,
  resources   TEXT,
  session     TEXT,
  notes       TEXT,
  mode        TEXT
);

CREATE TABLE attempts (
  instance   INTEGER NOT NULL,
  number     INTEGER NOT NULL,
  status     TEXT NOT NULL,
  result     TEXT,
  reason     TEXT,
  exit_code  INTEGER,
  created_at INTEGER NOT NULL,
  started_at INTEGER,
  ended_at   INTEGER,
  usage      TEXT,
  resources  TEXT,
  session    TEXT,
  mode       TEXT,
  PRIMARY KEY (instance, number)
) WITHOUT ROWID;

CREATE TABLE events (
  seq      INTEGER PRIMARY KEY,              -- by commit; never by the clock
  at       INTEGER NOT NULL,
  job      INTEGER NOT NULL,
  instance INTEGER,
  type     TEXT NOT NULL,
  attempt  INTEGER NOT NULL,
  status   TEXT NOT NULL,
  result   TEXT,
  reason   TEXT,
  data     TEXT                              -- JSON
);
CREATE INDEX events_of_job ON events (job);

CREATE TABLE counters (
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) WITHOUT ROWID;
INSERT INTO counters VALUES ('seq', 0);      -- the newest event that was ever deleted
