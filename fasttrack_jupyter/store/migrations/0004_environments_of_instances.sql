-- The built environment that a task ran in, so that gc keeps what kept jobs need.

ALTER TABLE instances ADD COLUMN environment TEXT;
