-- By which PIN a member has joined, 0 = by none.
ALTER TABLE members ADD COLUMN pin INTEGER NOT NULL DEFAULT 0;

-- Of which app a file is, and how much those of an app take: kept up to date where files come and go.
ALTER TABLE files ADD COLUMN aid INTEGER NOT NULL DEFAULT 0;
UPDATE files SET aid = coalesce((SELECT u.aid FROM users u WHERE u.uid = files.uid), 0);
CREATE TABLE files_size (
  aid   INTEGER PRIMARY KEY,
  bytes INTEGER NOT NULL
) STRICT;
INSERT INTO files_size SELECT aid, sum(size) FROM files GROUP BY aid;
CREATE TRIGGER file_came AFTER INSERT ON files BEGIN
  INSERT INTO files_size VALUES (NEW.aid, NEW.size) ON CONFLICT DO UPDATE SET bytes = bytes + NEW.size;
END;
CREATE TRIGGER file_went AFTER DELETE ON files BEGIN
  UPDATE files_size SET bytes = bytes - OLD.size WHERE aid = OLD.aid;
END;
