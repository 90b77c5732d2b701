-- Settings of apps, more of users, messages that are sent later.

ALTER TABLE apps ADD COLUMN settings BLOB NOT NULL DEFAULT x'';   -- hub::port::apps::AppSettings

ALTER TABLE users ADD COLUMN uac INTEGER NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN e2ee INTEGER;                        -- NULL: as the app has it
ALTER TABLE users ADD COLUMN remote TEXT;                         -- of the last sign-in

CREATE TABLE scheduled (
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  aid     INTEGER NOT NULL,
  due     INTEGER NOT NULL,
  message BLOB    NOT NULL,
  only    BLOB    NOT NULL                 -- uids, four bytes each, the least significant first
) STRICT;
CREATE INDEX scheduled_by_due ON scheduled (due);
CREATE INDEX groups_of_app ON groups (aid);
