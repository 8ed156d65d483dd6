-- Times are microseconds since 1970 in UTC; documents, lines and bodies are JSON; what is hashed or
-- must come back byte for byte is kept as bytes. A text that may hold any character has
-- those escaped that PostgreSQL cannot keep in a text; names of records are bytes, so that they sort as such.

-- The columns before the document are copies of what is in it, for finding it. Ids sort by time, so that new rows and
-- new index entries land side by side. Room is left in each page, so that a change that moves no index entry stays there.
CREATE TABLE requests (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    key text COLLATE "C",
    namespace text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    execution text COLLATE "C",
    action text COLLATE "C" NOT NULL,
    requester text COLLATE "C" NOT NULL,
    run text COLLATE "C",
    due_at bigint,
    executor uuid,
    created_at bigint NOT NULL,
    document bytea NOT NULL
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.02);
CREATE UNIQUE INDEX requests_key ON requests (key) WHERE key IS NOT NULL;
CREATE INDEX requests_status ON requests (status, id);
CREATE INDEX requests_execution ON requests (execution, id) WHERE execution IS NOT NULL;
CREATE INDEX requests_run ON requests (run, id) WHERE run IS NOT NULL;
CREATE INDEX requests_due ON requests (due_at) WHERE due_at IS NOT NULL;

-- Only ever appended to.
CREATE TABLE events (
    request uuid NOT NULL,
    seq bigint NOT NULL,
    line bytea NOT NULL,
    PRIMARY KEY (request, seq)
) WITH (autovacuum_vacuum_insert_scale_factor = 0.05);

-- 'claimable_at' is null once a notice is settled; 'owner' is who has claimed it. 'delivery' stands for the member of
-- that name in the body, which tells how the notice stood when it was written.
CREATE TABLE notices (
    number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    request uuid NOT NULL,
    channel text COLLATE "C" NOT NULL,
    claimable_at bigint,
    owner uuid,
    body text NOT NULL,
    delivery text
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX notices_request ON notices (request);
CREATE INDEX notices_claimable ON notices (channel, claimable_at) WHERE claimable_at IS NOT NULL;

-- Who looks after a request that is due, for how long. A crash of the server empties it, which only makes the work
-- claimable again: it need not be logged.
CREATE UNLOGGED TABLE due_claims (
    request uuid PRIMARY KEY,
    owner uuid NOT NULL,
    until bigint NOT NULL
);
CREATE INDEX due_claims_until ON due_claims (until);

CREATE TABLE records (
    name bytea PRIMARY KEY,
    version bigint NOT NULL,
    value bytea NOT NULL,
    updated_at bigint NOT NULL
) WITH (fillfactor = 50, autovacuum_vacuum_scale_factor = 0.05);

-- The number is that of the batch, times 2^20, and the place within it.
CREATE TABLE journal (
    number bigint PRIMARY KEY,
    line text NOT NULL
);

-- One row for each transaction that changed requests or records: which ones. Tells every process what it has missed, and
-- the sealer which histories grew. Numbers are in the order in which transactions began to write; they may become visible
-- in another one (see 'settled_batches').
CREATE SEQUENCE batches;
CREATE TABLE changes (
    batch bigint PRIMARY KEY,
    writer uuid NOT NULL,
    requests uuid[] NOT NULL,
    records bytea[] NOT NULL,
    notices boolean NOT NULL
);

-- One row for each process that writes or wrote of late: the number and the answer of its last transaction, by which it
-- finds out what became of one whose connection was lost, and the latest moment that was given out. Whoever has taken
-- over with a higher 'fence' keeps a transaction of an older connection from ever being written.
CREATE TABLE writers (
    id uuid PRIMARY KEY,
    fence bigint NOT NULL,
    batch bigint NOT NULL,
    high_water bigint NOT NULL,
    refused int[] NOT NULL,
    reasons int[] NOT NULL,
    failed int[] NOT NULL
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0.05);
