-- A partner asks what became of its events, a page at a time: their dead letters by the event's id.
CREATE INDEX dead_letters_of_event ON dead_letters (partner, event_id)
    WHERE partner IS NOT NULL AND event_id IS NOT NULL;

-- Refusals are read by time: several processes write them, each a second's worth at once.
DROP INDEX webhook_refusals_by_partner;
CREATE INDEX webhook_refusals_by_time ON webhook_refusals (partner, refused_at, refusal_id);

-- How complete a content is, and what it lacks; null in removed ones and in other names of a title.
ALTER TABLE contents ADD COLUMN quality double precision, ADD COLUMN missing text[];
UPDATE contents t SET
    quality = (b.body ->> 'quality')::double precision,
    missing = ARRAY(SELECT jsonb_array_elements_text(b.body -> 'missing'))
FROM (SELECT content_id, convert_from(body, 'UTF8')::jsonb AS body FROM contents WHERE NOT removed) b
WHERE t.content_id = b.content_id AND b.body ? 'quality';
CREATE INDEX contents_of_partner ON contents USING gin (partners) WHERE quality IS NOT NULL;
