-- What the release that wrote version 2 made of one import: one object, one delivery.
PRAGMA page_size = 8192;
CREATE TABLE log_tx(tx INTEGER PRIMARY KEY, commit_ms INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL,
    changes INTEGER NOT NULL);
CREATE TABLE log_entry(tx INTEGER NOT NULL, source TEXT NOT NULL, entity TEXT NOT NULL, prev INTEGER, payload TEXT,
    PRIMARY KEY(tx, source, entity)) WITHOUT ROWID;
CREATE TABLE object(source TEXT NOT NULL, entity TEXT NOT NULL, tx INTEGER NOT NULL, ended INTEGER NOT NULL, digest BLOB,
    PRIMARY KEY(source, entity)) WITHOUT ROWID;
CREATE TABLE delivery(source TEXT PRIMARY KEY, json TEXT NOT NULL) WITHOUT ROWID;
INSERT INTO log_tx VALUES (1, 1000, 'import', 'import of a file', 1);
INSERT INTO log_entry VALUES (1, 's', 'A', NULL, '1');
INSERT INTO object VALUES ('s', 'A', 1, 0, NULL);
INSERT INTO delivery VALUES ('s', '{"stamp":"202610080843","objects":1}');
PRAGMA user_version = 2;
