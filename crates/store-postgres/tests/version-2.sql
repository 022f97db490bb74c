-- What the release that wrote version 2 made of one import: one object, one delivery.
CREATE TABLE log_tx(tx bigint PRIMARY KEY, commit_ms bigint NOT NULL, author text NOT NULL, reason text NOT NULL,
    changes bigint NOT NULL);
CREATE TABLE log_entry(tx bigint NOT NULL, source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, prev bigint,
    payload text, PRIMARY KEY(tx, source, entity));
CREATE TABLE object(source text COLLATE "C" NOT NULL, entity text COLLATE "C" NOT NULL, tx bigint NOT NULL,
    ended boolean NOT NULL, digest bytea, PRIMARY KEY(source, entity));
CREATE TABLE delivery(source text PRIMARY KEY, json text NOT NULL);
CREATE TABLE log_counter(one boolean PRIMARY KEY DEFAULT true CHECK (one), tx bigint NOT NULL, commit_ms bigint NOT NULL);
INSERT INTO log_counter(tx, commit_ms) VALUES (1, 1000);
CREATE TABLE registry_version(version bigint PRIMARY KEY);
INSERT INTO registry_version VALUES (2);
INSERT INTO log_tx VALUES (1, 1000, 'import', 'import of a file', 1);
INSERT INTO log_entry VALUES (1, 's', 'A', NULL, '1');
INSERT INTO object VALUES ('s', 'A', 1, false, NULL);
INSERT INTO delivery VALUES ('s', '{"stamp":"202610080843","objects":1}');
