-- What who joins with a PIN may send in calls; 0 = as the group has it.
ALTER TABLE pins ADD COLUMN call_flags INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pins ADD COLUMN resolution INTEGER NOT NULL DEFAULT 0;
ALTER TABLE pins ADD COLUMN call_duration_s INTEGER NOT NULL DEFAULT 0;
