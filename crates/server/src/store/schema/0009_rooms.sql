-- When rooms open and how long calls in them last; what a member may do less than its group.
ALTER TABLE groups ADD COLUMN starts INTEGER;                            -- NULL: open
ALTER TABLE groups ADD COLUMN duration_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE groups ADD COLUMN call_duration_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE groups ADD COLUMN lobby INTEGER NOT NULL DEFAULT 0;

ALTER TABLE members ADD COLUMN call_flags INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN resolution INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN call_duration_s INTEGER NOT NULL DEFAULT 0;
ALTER TABLE members ADD COLUMN busy INTEGER NOT NULL DEFAULT 0;
