-- A browser has one place for push messages, whoever uses it: the former user's is found by it.
CREATE INDEX IF NOT EXISTS devices_by_push ON devices (push) WHERE push <> '';
