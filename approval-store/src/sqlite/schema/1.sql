-- Times are microseconds since 1970 in UTC; ids are the 16 bytes of a UUID; documents and lines are JSON.

CREATE TABLE requests (
    id BLOB NOT NULL UNIQUE,
    version INTEGER NOT NULL,
    key TEXT,
    namespace TEXT NOT NULL,
    status TEXT NOT NULL,
    execution TEXT,
    action TEXT NOT NULL,
    requester TEXT NOT NULL,
    run TEXT,
    due_at INTEGER,
    executor BLOB,
    created_at INTEGER NOT NULL,
    document BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX requests_key ON requests (key) WHERE key IS NOT NULL;
CREATE INDEX requests_status ON requests (status, id);
CREATE INDEX requests_execution ON requests (execution, id) WHERE execution IS NOT NULL;
CREATE INDEX requests_due ON requests (due_at) WHERE due_at IS NOT NULL;
CREATE INDEX requests_executor ON requests (executor) WHERE executor IS NOT NULL;
CREATE INDEX requests_run ON requests (run, id) WHERE run IS NOT NULL;

-- Only ever appended to. The number orders all changes of all processes.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    request BLOB NOT NULL,
    seq INTEGER NOT NULL,
    line TEXT NOT NULL,
    UNIQUE (request, seq)
) STRICT;

CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    request BLOB NOT NULL,
    channel TEXT NOT NULL,
    claimable_at INTEGER,
    owner BLOB,
    body TEXT NOT NULL,
    delivery TEXT NOT NULL
) STRICT;
CREATE INDEX notices_request ON notices (request);
CREATE INDEX notices_claimable ON notices (claimable_at) WHERE claimable_at IS NOT NULL;

CREATE TABLE records (
    name TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    batch INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE journal (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    line TEXT NOT NULL
) STRICT;

-- 'high_water': the latest moment that was given out. 'batch': counts the transactions of all writers.
CREATE TABLE meta (
    name TEXT PRIMARY KEY NOT NULL,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO meta (name, value) VALUES ('high_water', -9000000000000000), ('batch', 0);
