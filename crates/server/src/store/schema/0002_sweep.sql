-- What the sweep looks for: messages by the moment at which nobody needs them any more, which is
-- their expiry and not before `limits::MESSAGE_KEY_KEPT` (7 days) have gone by; tokens by theirs.
CREATE INDEX messages_by_end ON messages (max(expires, ts + 604800000));
CREATE INDEX tokens_by_expiry ON tokens (expires);
