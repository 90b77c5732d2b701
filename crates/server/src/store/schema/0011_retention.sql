-- Apps that keep messages for a shorter time than before: messages up to `last` are being looked at, those
-- up to `next` have been.
CREATE TABLE shortenings (
  aid INTEGER PRIMARY KEY,
  days INTEGER NOT NULL,
  next INTEGER NOT NULL,
  last INTEGER NOT NULL
);
