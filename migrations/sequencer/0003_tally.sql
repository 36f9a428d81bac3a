-- How many events were announced in each hour of the window, as of tallied_through (in `mark`).
CREATE TABLE tally (
  hour INTEGER NOT NULL,                -- its start in Unix milliseconds
  kind TEXT NOT NULL,
  events INTEGER NOT NULL,
  bytes INTEGER NOT NULL,               -- of their frames
  PRIMARY KEY (hour, kind)
) STRICT, WITHOUT ROWID;
