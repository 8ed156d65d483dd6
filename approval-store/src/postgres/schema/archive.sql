-- Decided requests, put away by the month in which they were opened. What finds a request (id, key, status, …) stays in
-- 'requests', so that it is listed, found and changed like any other, and no key is free again; what takes the room lies
-- here: its document, its history and its settled notices. In the row left behind the document is null and 'archived' is
-- true; a change writes a new document there, and only then the one here is out of date. 'archived' stays true.
ALTER TABLE requests ALTER COLUMN document DROP NOT NULL, ADD COLUMN archived boolean NOT NULL DEFAULT false;

CREATE TABLE requests_archive (
    id uuid PRIMARY KEY,
    version bigint NOT NULL,
    document bytea NOT NULL
) PARTITION BY RANGE (id);

CREATE TABLE events_archive (
    request uuid NOT NULL,
    seq bigint NOT NULL,
    line bytea NOT NULL,
    PRIMARY KEY (request, seq)
) PARTITION BY RANGE (request);

CREATE TABLE notices_archive (
    number bigint NOT NULL,
    id uuid NOT NULL,
    request uuid NOT NULL,
    channel text COLLATE "C" NOT NULL,
    body text NOT NULL,
    delivery text,
    PRIMARY KEY (request, number)
) PARTITION BY RANGE (request);

-- The document of a request that has none in 'requests'. A function, so that the tables of the archive are not even opened
-- for those that have one; and one that sees what the statement sees which asks it.
CREATE FUNCTION archived_document(wanted uuid) RETURNS bytea LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN (SELECT a.document FROM requests_archive a WHERE a.id = wanted);
END
$$;

CREATE FUNCTION history_of(wanted uuid) RETURNS TABLE (seq bigint, line bytea) LANGUAGE plpgsql STABLE AS $$
BEGIN
    -- What is appended to an archived history comes after it.
    IF (SELECT r.archived FROM requests r WHERE r.id = wanted) THEN
        RETURN QUERY SELECT a.seq, a.line FROM events_archive a WHERE a.request = wanted ORDER BY a.seq;
    END IF;
    RETURN QUERY SELECT e.seq, e.line FROM events e WHERE e.request = wanted ORDER BY e.seq;
END
$$;

CREATE FUNCTION notices_of(wanted uuid) RETURNS TABLE (body text, delivery text) LANGUAGE plpgsql STABLE AS $$
BEGIN
    IF (SELECT r.archived FROM requests r WHERE r.id = wanted) THEN
        RETURN QUERY SELECT u.body, u.delivery FROM (
                SELECT a.number, a.body, a.delivery FROM notices_archive a WHERE a.request = wanted
                UNION ALL SELECT n.number, n.body, n.delivery FROM notices n WHERE n.request = wanted
            ) AS u ORDER BY u.number;
    ELSE
        RETURN QUERY SELECT n.body, n.delivery FROM notices n WHERE n.request = wanted ORDER BY n.number;
    END IF;
END
$$;

-- The lowest id of a moment: ids begin with the milliseconds since 1970 (RFC 9562, section 5.7).
CREATE FUNCTION lowest_id(moment timestamptz) RETURNS uuid LANGUAGE sql IMMUTABLE AS $$
    SELECT rpad(lpad(to_hex((extract(epoch FROM moment) * 1000)::bigint), 12, '0'), 32, '0')::uuid
$$;

CREATE FUNCTION month_of(id uuid) RETURNS timestamp LANGUAGE sql IMMUTABLE AS $$
    SELECT date_trunc('month', to_timestamp(
        ('x' || left(replace(id::text, '-', ''), 12))::bit(48)::bigint / 1000.0) AT TIME ZONE 'UTC')
$$;

-- Makes the partitions for a month unless they are there; whether it did. With the rights of the owner: whoever archives
-- need not be allowed to make tables.
CREATE FUNCTION make_partitions(month timestamp) RETURNS boolean LANGUAGE plpgsql VOLATILE
SECURITY DEFINER SET search_path FROM CURRENT AS $$
DECLARE
    suffix text := to_char(month, 'YYYY_MM');
    lowest uuid := lowest_id(month AT TIME ZONE 'UTC');
    next uuid := lowest_id((month + interval '1 month') AT TIME ZONE 'UTC');
    parent text;
    made boolean := false;
BEGIN
    IF month <> date_trunc('month', month) THEN
        RAISE EXCEPTION '% is not the beginning of a month', month;
    END IF;
    -- One after the other, whoever makes them; what is there is looked up after the wait.
    PERFORM pg_advisory_xact_lock(hashtextextended(current_schema() || '.archive', 0));
    FOREACH parent IN ARRAY ARRAY['requests_archive', 'events_archive', 'notices_archive'] LOOP
        IF NOT EXISTS (
            SELECT FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relname = parent || '_' || suffix
        ) THEN
            -- Made first and attached then: whoever reads the archive meanwhile does not wait.
            EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', parent || '_' || suffix, parent);
            EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%L) TO (%L)',
                parent, parent || '_' || suffix, lowest, next);
            made := true;
        END IF;
    END LOOP;
    RETURN made;
END
$$;

-- Puts these requests away, whose rows the caller has locked. How many partitions were made for it.
CREATE FUNCTION put_away(wanted uuid[]) RETURNS int LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    made int := 0;
    month timestamp;
BEGIN
    FOR month IN SELECT DISTINCT month_of(w.id) FROM unnest(wanted) AS w (id) ORDER BY 1 LOOP
        IF make_partitions(month) THEN
            made := made + 1;
        END IF;
    END LOOP;
    INSERT INTO requests_archive AS a (id, version, document)
        SELECT r.id, r.version, r.document FROM requests r WHERE r.id = ANY (wanted) AND r.document IS NOT NULL
        ON CONFLICT (id) DO UPDATE SET version = excluded.version, document = excluded.document;
    WITH gone AS (DELETE FROM events WHERE request = ANY (wanted) RETURNING request, seq, line)
    INSERT INTO events_archive (request, seq, line) SELECT gone.request, gone.seq, gone.line FROM gone;
    -- One that still waits stays where it can be claimed.
    WITH gone AS (
        DELETE FROM notices WHERE request = ANY (wanted) AND claimable_at IS NULL
            RETURNING number, id, request, channel, body, delivery
    )
    INSERT INTO notices_archive (number, id, request, channel, body, delivery)
        SELECT gone.number, gone.id, gone.request, gone.channel, gone.body, gone.delivery FROM gone;
    UPDATE requests SET document = NULL, archived = true WHERE id = ANY (wanted) AND document IS NOT NULL;
    RETURN made;
END
$$;

-- Looks at up to 'portion' requests after 'after', in the order of their ids, and puts away those that came to their end (by
-- the statuses and states of execution that the caller names) and were opened before 'opened_before'. Those that somebody is writing at this moment are left where they are. 'looked_at' is
-- the last one looked at, null at the end.
CREATE FUNCTION archive_portion(after uuid, until uuid, opened_before bigint, portion bigint,
    ended_statuses text[], ended_executions text[],
    OUT looked_at uuid, OUT moved bigint, OUT made int) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found uuid[];
    ended uuid[];
BEGIN
    SELECT array_agg(w.id) INTO found FROM (
        SELECT r.id FROM requests r WHERE r.id > after AND r.id < until ORDER BY r.id LIMIT portion
    ) AS w;
    looked_at := found[cardinality(found)];
    SELECT coalesce(array_agg(e.id), '{}') INTO ended FROM (
        SELECT r.id FROM requests r
            WHERE r.id = ANY (found) AND r.document IS NOT NULL AND r.due_at IS NULL AND r.created_at < opened_before
                AND r.status = ANY (ended_statuses)
                AND (r.execution IS NULL OR r.execution = ANY (ended_executions))
                AND NOT EXISTS (
                    SELECT FROM notices n WHERE n.request = r.id AND n.claimable_at IS NOT NULL
                )
            ORDER BY r.id FOR NO KEY UPDATE OF r SKIP LOCKED
    ) AS e;
    moved := cardinality(ended);
    made := CASE WHEN moved > 0 THEN put_away(ended) ELSE 0 END;
END
$$;
