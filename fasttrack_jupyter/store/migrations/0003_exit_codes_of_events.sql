-- Events tell exit codes, so that a job's state follows from its events alone.

ALTER TABLE events ADD COLUMN exit_code INTEGER;
