-- Times are microseconds since 1970 in UTC; ids are the 16 bytes of a UUID; documents, lines and bodies are JSON.

-- The columns before the document are copies of what is in it, for finding it. Ids sort by time, so that new rows and
-- new index entries land side by side.
CREATE TABLE requests (
    id BLOB NOT NULL,
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
CREATE UNIQUE INDEX requests_id ON requests (id);
CREATE UNIQUE INDEX requests_key ON requests (key) WHERE key IS NOT NULL;
CREATE INDEX requests_status ON requests (status, id);
CREATE INDEX requests_execution ON requests (execution, id) WHERE execution IS NOT NULL;
CREATE INDEX requests_run ON requests (run, id) WHERE run IS NOT NULL;
CREATE INDEX requests_due ON requests (due_at) WHERE due_at IS NOT NULL;

-- Only ever appended to. The number orders all changes of all processes, and so tells each what the others wrote.
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    request BLOB NOT NULL,
    seq INTEGER NOT NULL,
    line TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX events_request ON events (request, seq);

-- 'claimable_at' is null once a notice is settled; 'owner' is who has claimed it. 'delivery' stands for the member of
-- that name in the body, which tells how the notice stood when it was written.
CREATE TABLE notices (
    number INTEGER PRIMARY KEY,
    id BLOB NOT NULL,
    request BLOB NOT NULL,
    channel TEXT NOT NULL,
    claimable_at INTEGER,
    owner BLOB,
    body TEXT NOT NULL,
    delivery TEXT
) STRICT;
CREATE INDEX notices_request ON notices (request);
CREATE INDEX notices_claimable ON notices (channel, claimable_at) WHERE claimable_at IS NOT NULL;

CREATE TABLE records (
    name TEXT PRIMARY KEY NOT NULL,
    version INTEGER NOT NULL,
    value BLOB NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- The last few thousand writes and removals of records: tells each process what the others wrote.
CREATE TABLE record_log (
    number INTEGER PRIMARY KEY,
    name TEXT NOT NULL
) STRICT;

CREATE TABLE journal (
    number INTEGER PRIMARY KEY,
    line TEXT NOT NULL
) STRICT;

-- One row for each process that writes or wrote of late: the number of its last transaction, by which it tells whether
-- one counts whose commit reported an error, and the latest moment that it gave out.
CREATE TABLE writers (
    id INTEGER PRIMARY KEY,
    batch INTEGER NOT NULL,
    high_water INTEGER NOT NULL
) STRICT;
