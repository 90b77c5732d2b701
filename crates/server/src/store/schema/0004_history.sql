-- Each user's own copies of messages: what a device without them is given. `side` is the other side
-- of the conversation: a user's number, or a group's negated.
CREATE TABLE history (
  uid     INTEGER NOT NULL,
  side    INTEGER NOT NULL,
  message INTEGER NOT NULL,
  PRIMARY KEY (uid, side, message)
) STRICT, WITHOUT ROWID;
-- For the sweep, and for the removal of single messages.
CREATE INDEX history_of_message ON history (message);
