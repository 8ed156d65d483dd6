-- Figures over all requests. Nothing is written here when a request changes: the changes since the last look are counted
-- when somebody asks.

-- The number of the last event that was looked at, and how often something was counted: readers tell by it whether they
-- saw the same state.
CREATE TABLE stats_place (
    number INTEGER NOT NULL,
    state INTEGER NOT NULL
) STRICT;
INSERT INTO stats_place (number, state) VALUES (0, 0);

-- What requests are counted under, and how many of them are open.
CREATE TABLE stats_subjects (
    id INTEGER PRIMARY KEY,
    namespace TEXT NOT NULL,
    action TEXT NOT NULL,
    agent TEXT NOT NULL,
    risk TEXT NOT NULL,
    priority TEXT NOT NULL,
    pending INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX stats_subjects_all ON stats_subjects (action, agent, namespace, risk, priority);

-- Who voted through what.
CREATE TABLE stats_voters (
    id INTEGER PRIMARY KEY,
    approver TEXT NOT NULL,
    channel TEXT NOT NULL
) STRICT;
CREATE UNIQUE INDEX stats_voters_all ON stats_voters (approver, channel);

-- The open requests among those that were looked at, and what each is counted under.
CREATE TABLE stats_open (
    request BLOB PRIMARY KEY NOT NULL,
    subject INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

-- Decisions (kind 0) and the votes that stood then (kind 1), many in a row.
-- 'facts' has 16 bytes for each, little-endian: subject (4), how it ended, or voter and vote (4), microseconds since the
-- beginning (8). 'times' has the moment of each decision (8).
CREATE TABLE stats_facts (
    number INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    count INTEGER NOT NULL,
    first_at INTEGER NOT NULL,
    last_at INTEGER NOT NULL,
    facts BLOB NOT NULL,
    times BLOB NOT NULL
) STRICT;
CREATE INDEX stats_facts_kind ON stats_facts (kind, number);
