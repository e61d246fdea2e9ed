-- How a slate came about, in fewer bytes; ``ranking`` is left of slates that were made before.
ALTER TABLE slates ADD COLUMN packed_ranking bytea;
-- Numbers hardly compress: trying took longer than all else about a slate, to save 1.3 kB.
ALTER TABLE slates ALTER COLUMN packed_ranking SET STORAGE EXTERNAL;
