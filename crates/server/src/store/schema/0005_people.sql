-- Who wants to be found (wire::mask::user::SEARCHABLE, group::SEARCHABLE), and push tokens.

CREATE INDEX users_searchable ON users (aid, uid) WHERE flags & 256 <> 0;
CREATE INDEX groups_searchable ON groups (aid, gid) WHERE flags & 1048576 <> 0;

ALTER TABLE devices ADD COLUMN push TEXT NOT NULL DEFAULT '';
ALTER TABLE devices ADD COLUMN push_voip INTEGER NOT NULL DEFAULT 0;
