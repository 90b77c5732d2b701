-- Times are milliseconds since 1970. Numbers given out are never used again (AUTOINCREMENT).

CREATE TABLE apps (
  aid     INTEGER PRIMARY KEY AUTOINCREMENT,
  name    TEXT    NOT NULL UNIQUE,
  active  INTEGER NOT NULL,
  token   BLOB    NOT NULL UNIQUE          -- SHA-256
) STRICT;

CREATE TABLE users (
  uid         INTEGER PRIMARY KEY AUTOINCREMENT,
  aid         INTEGER NOT NULL,
  address     TEXT    NOT NULL,
  name        TEXT    NOT NULL,
  status      TEXT    NOT NULL,
  image       TEXT    NOT NULL,
  active      INTEGER NOT NULL,
  flags       INTEGER NOT NULL,
  pinned      INTEGER NOT NULL,
  groups_max  INTEGER,
  last_online INTEGER NOT NULL,
  -- The user's log: newest entry, last entry trimmed away, furthest any device has come.
  head        INTEGER NOT NULL DEFAULT 0,
  trimmed     INTEGER NOT NULL DEFAULT 0,
  fetched     INTEGER NOT NULL DEFAULT 0,
  UNIQUE (aid, address)
) STRICT;

CREATE TABLE tokens (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  uid     INTEGER NOT NULL,
  app     TEXT    NOT NULL,
  any_app INTEGER NOT NULL,
  expires INTEGER,
  hash    BLOB    NOT NULL UNIQUE          -- SHA-256
) STRICT;
CREATE INDEX tokens_of_user ON tokens (uid);

CREATE TABLE devices (
  id     INTEGER PRIMARY KEY AUTOINCREMENT,
  token  INTEGER NOT NULL,
  uid    INTEGER NOT NULL,
  key    BLOB    NOT NULL,
  cursor INTEGER NOT NULL,
  seen   INTEGER NOT NULL,
  UNIQUE (token, key)
) STRICT;
CREATE INDEX devices_of_user ON devices (uid);

CREATE TABLE groups (
  gid                INTEGER PRIMARY KEY AUTOINCREMENT,
  aid                INTEGER NOT NULL,
  name               TEXT    NOT NULL,
  status             TEXT    NOT NULL,
  image              TEXT    NOT NULL,
  flags              INTEGER NOT NULL,
  call_flags         INTEGER NOT NULL,
  resolution         INTEGER NOT NULL,
  active             INTEGER NOT NULL,
  pinned             INTEGER NOT NULL,
  expires            INTEGER,
  expiry_extension_s INTEGER NOT NULL,
  owner              INTEGER
) STRICT;
-- Pages refuse group ids below 1000.
INSERT INTO sqlite_sequence (name, seq) VALUES ('groups', 999);

CREATE TABLE members (
  gid         INTEGER NOT NULL,
  uid         INTEGER NOT NULL,
  given       INTEGER NOT NULL,
  denied      INTEGER NOT NULL,
  admin_flags INTEGER NOT NULL,
  expires     INTEGER,
  PRIMARY KEY (gid, uid)
) STRICT, WITHOUT ROWID;
CREATE INDEX members_of_user ON members (uid);

-- One row a message, whoever gets it; also what recognises a message that is sent again.
CREATE TABLE messages (
  id      INTEGER PRIMARY KEY,
  sender  INTEGER NOT NULL,
  mid     INTEGER NOT NULL,
  flags   INTEGER NOT NULL,
  gid     INTEGER NOT NULL,
  ts      INTEGER NOT NULL,
  expires INTEGER NOT NULL,
  entry   BLOB    NOT NULL,
  UNIQUE (sender, mid)
) STRICT;

-- A row refers to a message or carries an entry of its own.
CREATE TABLE log (
  uid     INTEGER NOT NULL,
  seq     INTEGER NOT NULL,
  message INTEGER,
  entry   BLOB,
  PRIMARY KEY (uid, seq)
) STRICT, WITHOUT ROWID;
