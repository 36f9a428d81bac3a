-- Which repositories have records of which collection, as of applied_through. Derived from the repositories.
CREATE TABLE repo_collection (
  collection TEXT NOT NULL,
  did TEXT NOT NULL,
  PRIMARY KEY (collection, did)
) STRICT, WITHOUT ROWID;
CREATE INDEX repo_collection_did ON repo_collection (did);

-- the table above is to be made from the repositories that are there already
INSERT INTO mark (name, seq) SELECT 'collections_unknown', 1 WHERE EXISTS (SELECT 1 FROM event);
