-- When a message whose app wants to hear of that expires, until it was told or fetched; else NULL.
ALTER TABLE log ADD COLUMN ends INTEGER;
CREATE INDEX log_by_end ON log (ends) WHERE ends IS NOT NULL;
