-- What the release that wrote version 3 made of four imports: facts that change, end and come back, a checksum for each transaction
-- but the first, notes of two kinds, fingerprints of the last versions.
PRAGMA page_size = 8192;
CREATE TABLE log_tx(tx INTEGER PRIMARY KEY, commit_ms INTEGER NOT NULL, author TEXT NOT NULL, reason TEXT NOT NULL,
    changes INTEGER NOT NULL);
CREATE TABLE log_entry(tx INTEGER NOT NULL, source TEXT NOT NULL, entity TEXT NOT NULL, prev INTEGER, payload TEXT,
    PRIMARY KEY(tx, source, entity)) WITHOUT ROWID;
CREATE TABLE object(source TEXT NOT NULL, entity TEXT NOT NULL, tx INTEGER NOT NULL, ended INTEGER NOT NULL, digest BLOB,
    PRIMARY KEY(source, entity)) WITHOUT ROWID;
CREATE TABLE note(kind TEXT NOT NULL, key TEXT NOT NULL, text TEXT NOT NULL, PRIMARY KEY(kind, key)) WITHOUT ROWID;
CREATE TABLE log_sum(tx INTEGER PRIMARY KEY, sum INTEGER NOT NULL);
INSERT INTO log_tx VALUES (1, 1000, 'import', 'first', 4), (2, 2000, 'import', 'second', 3), (3, 3000, 'undo', 'undo of 2', 1),
    (4, 4000, 'import', 'third', 1);
INSERT INTO log_entry VALUES (1, 'rest', 'A', NULL, '{"n":1}'), (1, 'libre', 'A', NULL, '{"n":2}'), (1, 'libre', 'B', NULL, '{"é":3}'),
    (1, 'libre', 'C', NULL, '{"n":4}'), (2, 'libre', 'A', 1, '{"n":5}'), (2, 'libre', 'B', 1, NULL), (2, 'libre', 'D', NULL, '{"n":6}'),
    (3, 'libre', 'B', 2, '{"é":3}'), (4, 'rest', 'A', 1, '{"n":7}');
INSERT INTO object VALUES ('rest', 'A', 4, 0, X'000102030405060708090a0b0c0d0e0f'), ('libre', 'A', 2, 0, NULL),
    ('libre', 'B', 3, 0, X'ffffffffffffffff0000000000000007'), ('libre', 'C', 1, 0, NULL), ('libre', 'D', 2, 0, NULL);
INSERT INTO note VALUES ('source', 'libre', '{"stamp":"202610080843"}'), ('held', 'x', 'y');
PRAGMA user_version = 3;
