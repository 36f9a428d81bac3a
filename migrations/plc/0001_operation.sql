-- Everything that the embedded PLC directory ever took, in order.
CREATE TABLE operation (
  seq INTEGER PRIMARY KEY AUTOINCREMENT,
  did TEXT NOT NULL,
  cid BLOB NOT NULL,                  -- 36 bytes
  operation TEXT NOT NULL,            -- JSON, signed
  nullified INTEGER NOT NULL DEFAULT 0 CHECK (nullified IN (0, 1)),
  created_at INTEGER NOT NULL UNIQUE, -- Unix milliseconds; no two are the same, so that readers can go on after one
  UNIQUE (did, cid)
) STRICT;
CREATE INDEX operation_by_did ON operation (did, seq);
