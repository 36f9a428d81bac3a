-- What other servers say of identities, as they said it last. The file may be deleted at any time.
CREATE TABLE did_document (
  did TEXT PRIMARY KEY,
  document TEXT NOT NULL,         -- JSON
  fetched_at INTEGER NOT NULL     -- Unix milliseconds
) STRICT;
CREATE INDEX did_document_by_age ON did_document (fetched_at);

CREATE TABLE handle (
  handle TEXT PRIMARY KEY,
  did TEXT NOT NULL,
  fetched_at INTEGER NOT NULL
) STRICT;
CREATE INDEX handle_by_age ON handle (fetched_at);
