-- The rows that are made with a slate, encoded; read by the feed alone.
ALTER TABLE slates ADD COLUMN feed bytea;
