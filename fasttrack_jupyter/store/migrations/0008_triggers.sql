-- Jobs that the end of another pipeline's job starts. Times are microseconds since the epoch (UTC).

CREATE TABLE triggers (
  num         INTEGER PRIMARY KEY AUTOINCREMENT,   -- what people call it; never used again
  of          TEXT NOT NULL,                 -- the pipeline whose jobs start others
  result      TEXT NOT NULL,                 -- success, failure, any
  pipeline    TEXT NOT NULL,                 -- whose jobs are started
  source      TEXT NOT NULL,                 -- its file
  backend     TEXT NOT NULL,
  params      TEXT NOT NULL,                 -- JSON
  created_at  INTEGER NOT NULL,
  seen        INTEGER NOT NULL,              -- seq of the last event that counts no more
  fired_at    INTEGER,
  job         TEXT,                          -- the last one that it started: its id
  trouble     TEXT NOT NULL DEFAULT '',      -- why it could start none the last time
  UNIQUE (of, source)
);
