-- Named values of users and groups, PINs, contacts and blocks.

ALTER TABLE users ADD COLUMN profile TEXT NOT NULL DEFAULT '';    -- a JSON object, or nothing
ALTER TABLE groups ADD COLUMN profile TEXT NOT NULL DEFAULT '';

CREATE TABLE pins (
  gid             INTEGER NOT NULL,
  pin             INTEGER NOT NULL,
  flags           INTEGER NOT NULL,
  admin_flags     INTEGER NOT NULL,
  member_expiry_s INTEGER NOT NULL,
  expires         INTEGER,
  uses            INTEGER NOT NULL,
  used            INTEGER NOT NULL,
  PRIMARY KEY (gid, pin)
) STRICT, WITHOUT ROWID;

CREATE TABLE contacts (
  uid   INTEGER NOT NULL,
  peer  INTEGER NOT NULL,
  flags INTEGER NOT NULL,
  PRIMARY KEY (uid, peer)
) STRICT, WITHOUT ROWID;
CREATE INDEX contacts_by_peer ON contacts (peer);
