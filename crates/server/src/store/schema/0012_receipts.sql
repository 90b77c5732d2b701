-- When the message was delivered and read, ms: what a device of its sender without it is told. A copy that
-- was removed and has these is of no conversation (side = 0).
ALTER TABLE history ADD COLUMN delivered INTEGER;
ALTER TABLE history ADD COLUMN read INTEGER;
