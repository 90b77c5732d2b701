-- What apps have used, by day (20261231) and month (202612).
CREATE TABLE usage (
  aid INTEGER NOT NULL,
  period INTEGER NOT NULL,
  users INTEGER NOT NULL DEFAULT 0,
  peak INTEGER NOT NULL DEFAULT 0,
  messages INTEGER NOT NULL DEFAULT 0,
  bytes INTEGER NOT NULL DEFAULT 0,
  stored INTEGER NOT NULL DEFAULT 0,
  reads INTEGER NOT NULL DEFAULT 0,
  writes INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (aid, period)
) WITHOUT ROWID;

-- Who is counted in usage.users already. Days and months that are over leave it.
CREATE TABLE usage_users (
  period INTEGER NOT NULL,
  uid INTEGER NOT NULL,
  PRIMARY KEY (period, uid)
) WITHOUT ROWID;
