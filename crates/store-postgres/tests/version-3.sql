-- What the release that wrote version 3 made of three imports, with the tables as it made them: objects of two sources, one that ended
-- and came back, fingerprints of 16 bytes, notes.
CREATE TABLE log_tx(tx bigint PRIMARY KEY, commit_ms bigint NOT NULL, author text NOT NULL, reason text NOT NULL,
    changes bigint NOT NULL);
CREATE TABLE log_entry(tx bigint NOT NULL, source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, prev bigint,
    payload text, PRIMARY KEY(tx, source, entity));
CREATE TABLE object(source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, tx bigint NOT NULL,
    ended boolean NOT NULL, digest bytea, PRIMARY KEY(source, entity));
CREATE TABLE note(kind text COLLATE "C" NOT NULL, key text COLLATE "C" NOT NULL, text text NOT NULL, PRIMARY KEY(kind, key));
CREATE TABLE log_counter(one boolean PRIMARY KEY DEFAULT true CHECK (one), tx bigint NOT NULL, commit_ms bigint NOT NULL);
CREATE TABLE registry_version(version bigint PRIMARY KEY);
INSERT INTO registry_version VALUES (3);
INSERT INTO log_counter(tx, commit_ms) VALUES (3, 3000);
INSERT INTO log_tx VALUES (1, 1000, 'import', 'first', 4), (2, 2000, 'import', 'second', 2), (3, 3000, 'operator', 'third', 2);
INSERT INTO log_entry VALUES
    (1, 'closed', 'A', NULL, '{"a":1}'), (1, 'closed', 'É', NULL, '{"e":1}'), (1, 'open', 'A', NULL, '{"o":1}'), (1, 'open', 'B', NULL, '{"b":1}'),
    (2, 'closed', 'A', 1, NULL), (2, 'open', 'B', 1, '{"b":2}'),
    (3, 'closed', 'A', 2, '{"a":3}'), (3, 'open', 'A', 1, NULL);
INSERT INTO object VALUES
    ('closed', 'A', 3, false, '\x00000000000000010000000000000007'), ('closed', 'É', 1, false, NULL),
    ('open', 'A', 3, true, NULL), ('open', 'B', 2, false, '\xffffffffffffffffffffffffffffffff');
INSERT INTO note VALUES ('source', 'open', '{"stamp":"202610080843","objects":1}'), ('aside', 'x', 'y');
