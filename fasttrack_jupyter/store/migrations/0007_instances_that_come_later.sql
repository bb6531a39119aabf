-- What a loop or a group was expanded by when it was opened: {"items": [...]} or {"params": {...}}. Those inside are rows
-- of instances as all others, under the next ordinals of their job.

ALTER TABLE instances ADD COLUMN expansion TEXT;
