-- Who has uploaded which file: for its own sake when the user wants to see it, or to be gone.
CREATE TABLE files (
  name TEXT    PRIMARY KEY,
  uid  INTEGER NOT NULL,
  size INTEGER NOT NULL,
  ts   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX files_of_user ON files (uid);
