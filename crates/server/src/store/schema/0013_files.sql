-- Which records name which files: messages by their id, users by -uid, groups by -(2^32 + gid). A file goes
-- with the last record that names it.
CREATE TABLE file_uses (
  name   TEXT    NOT NULL,
  record INTEGER NOT NULL,
  PRIMARY KEY (name, record)
) STRICT, WITHOUT ROWID;
CREATE INDEX file_uses_of_record ON file_uses (record);

-- What records name a file by: 32 hexadecimal digits of it, and those of a medium of a group made of it.
ALTER TABLE files ADD COLUMN digits TEXT NOT NULL DEFAULT '';
ALTER TABLE files ADD COLUMN medium TEXT NOT NULL DEFAULT '';
-- 0: nothing has named it yet. 1: something has. 2: it is from before this was noted, and stays.
ALTER TABLE files ADD COLUMN named INTEGER NOT NULL DEFAULT 0;
UPDATE files SET named = 2;
CREATE INDEX files_by_digits ON files (digits) WHERE digits <> '';
CREATE INDEX files_by_medium ON files (medium) WHERE medium <> '';
CREATE INDEX files_unnamed ON files (ts) WHERE named = 0;
CREATE INDEX files_by_age ON files (ts);

-- Files that may have lost the last record.
CREATE TABLE files_left (name TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;

CREATE TRIGGER file_named AFTER INSERT ON file_uses BEGIN
  UPDATE files SET named = 1 WHERE name = NEW.name AND named = 0;
END;
CREATE TRIGGER file_left AFTER DELETE ON file_uses
WHEN NOT EXISTS (SELECT 1 FROM file_uses WHERE name = OLD.name) BEGIN
  INSERT OR IGNORE INTO files_left VALUES (OLD.name);
END;
CREATE TRIGGER message_gone AFTER DELETE ON messages BEGIN
  DELETE FROM file_uses WHERE record = OLD.id;
END;
CREATE TRIGGER user_gone AFTER DELETE ON users BEGIN
  DELETE FROM file_uses WHERE record = -OLD.uid;
END;
CREATE TRIGGER group_gone AFTER DELETE ON groups BEGIN
  DELETE FROM file_uses WHERE record = -4294967296 - OLD.gid;
END;
