-- The server's clock, in microseconds since 1970.
CREATE OR REPLACE FUNCTION server_clock() RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint
$$;

-- The store's time: the server's clock, but never below a moment that was given out before. A clock that was set back, or
-- that of a standby which took over, stands still until it has caught up; so does one that is more than 400 days ahead, until
-- an operator has confirmed it. Tests hand in a time.
CREATE OR REPLACE FUNCTION store_time(given bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
BEGIN
    RETURN (
        SELECT CASE
                WHEN given IS NULL AND server_clock() > max(w.high_water) + 34560000000000 THEN max(w.high_water)
                ELSE greatest(coalesce(given, server_clock()), max(w.high_water))
            END
            FROM writers w
    );
END
$$;

-- How far the store's time is ahead of the server's clock; below zero where the clock is not believed. A time that was handed
-- in is always right.
CREATE OR REPLACE FUNCTION clock_lag(given bigint, at bigint) RETURNS bigint LANGUAGE sql VOLATILE AS $$
    SELECT CASE WHEN given IS NULL THEN at - server_clock() ELSE 0 END
$$;

-- The first number of a batch that is not known to be over: every batch below it is visible or will never be. Whoever
-- writes holds a lock that tells a number below its own, and takes the number only then.
CREATE OR REPLACE FUNCTION unsettled_batch(tag int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last bigint;
    lowest bigint;
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO last FROM batches;
    -- After the number was read: a batch that is not seen here has ended, or takes a higher number.
    SELECT min(((classid::bigint & 65535) << 32) | objid::bigint) INTO lowest
        FROM pg_locks
        WHERE locktype = 'advisory' AND objsubid = 1 AND (classid::bigint >> 16) = tag
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database());
    RETURN least(last, coalesce(lowest, last)) + 1;
END
$$;

-- Writes many changes in one transaction; each is written or refused by itself. The caller sees to it that no two of them
-- are about the same request, key or record.
--
-- 'careful': nothing is written before the clock was read. Otherwise a change outside its time may make all of it fail, with
-- the code APTIM.
--
-- 'locks' are advisory locks on the records that the changes are bound to (shared) or write (exclusive), in ascending
-- order: what a change relies on stays so until it is written, also where there is no row to lock.
CREATE OR REPLACE FUNCTION commit_batch(
    me uuid, my_fence bigint, my_batch bigint, given_time bigint, tag int, topic text, careful boolean,
    locks bigint[], exclusive boolean[],
    condition_kinds int[], condition_names bytea[], condition_versions bigint[],
    bound_changes int[], bound_conditions int[],
    timed_changes int[], not_before bigint[], not_after bigint[],
    new_changes int[], new_ids uuid[], new_keys text[], new_namespaces text[], new_statuses text[],
    new_executions text[], new_actions text[], new_requesters text[], new_runs text[], new_dues bigint[],
    new_executors uuid[], new_created bigint[], new_documents bytea[],
    old_changes int[], old_ids uuid[], old_versions bigint[], old_statuses text[], old_executions text[],
    old_dues bigint[], old_executors uuid[], old_documents bytea[],
    event_changes int[], event_requests uuid[], event_seqs bigint[], event_lines bytea[],
    notice_changes int[], notice_ids uuid[], notice_requests uuid[], notice_namespaces text[], notice_channels text[],
    notice_claimable bigint[], notice_owners uuid[], notice_leases bigint[], notice_bodies text[],
    write_changes int[], write_names bytea[], write_values bytea[],
    settled_requests uuid[], settled_ids uuid[], settled_owners uuid[], settled_deliveries text[],
    settled_claimable bigint[], journal_lines text[],
    OUT at bigint, OUT refused int[], OUT reasons int[], OUT failed int[], OUT lag bigint
) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    batch_number bigint;
    stale int[];
    late int[];
    bound int[];
    written bigint;
    old_written boolean := false;
    told_requests uuid[];
    told_records bytea[];
    told_notices boolean := false;
    payload text;
BEGIN
    batch_number := begin_batch(tag);
    FOR i IN 1 .. cardinality(locks) LOOP
        IF exclusive[i] THEN
            PERFORM pg_advisory_xact_lock(locks[i]);
        ELSE
            PERFORM pg_advisory_xact_lock_shared(locks[i]);
        END IF;
    END LOOP;

    -- What the conditions are about is locked by now, and no other condition can come to fail.
    IF cardinality(condition_kinds) > 0 THEN
        SELECT array_agg(c.number::int) INTO failed
            FROM unnest(condition_kinds, condition_names, condition_versions) WITH ORDINALITY
                AS c (kind, name, version, number)
            LEFT JOIN records r ON r.name = c.name
            WHERE NOT CASE c.kind
                WHEN 0 THEN r.version IS NULL
                WHEN 1 THEN r.version IS NOT NULL
                ELSE r.version IS NOT DISTINCT FROM c.version
            END;
        IF failed IS NOT NULL THEN
            SELECT array_agg(DISTINCT b.change) INTO bound
                FROM unnest(bound_changes, bound_conditions) AS b (change, condition)
                WHERE b.condition = ANY (failed);
        END IF;
    END IF;

    -- Rows are locked in the order of their ids ('old_ids' ascends), by every process, so that none waits for another in a
    -- circle. To write them is to lock them, and spares looking for each of them twice; what turns out to be refused for
    -- another reason than its version must then be undone.
    IF cardinality(old_ids) > 0 AND bound IS NULL AND NOT careful THEN
        UPDATE requests r
            SET version = o.version + 1, status = o.status, execution = o.execution, due_at = o.due_at,
                executor = o.executor, document = o.document
            FROM unnest(old_ids, old_versions, old_statuses, old_executions, old_dues, old_executors, old_documents)
                AS o (id, version, status, execution, due_at, executor, document)
            WHERE r.id = o.id AND r.version = o.version;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < cardinality(old_ids) THEN
            SELECT array_agg(o.change) INTO stale
                FROM unnest(old_changes, old_ids, old_versions) AS o (change, id, version)
                WHERE NOT EXISTS (
                    SELECT FROM requests r
                    WHERE r.id = o.id AND r.version - 1 = o.version
                        AND r.xmin::text::bigint = (pg_current_xact_id()::text::bigint & 4294967295)
                );
        END IF;
        old_written := true;
    ELSIF cardinality(old_ids) > 0 THEN
        SELECT array_agg(o.change) INTO stale
            FROM unnest(old_changes, old_ids, old_versions) AS o (change, id, version)
            LEFT JOIN (
                SELECT r.id, r.version FROM requests r WHERE r.id = ANY (old_ids) ORDER BY r.id FOR NO KEY UPDATE
            ) AS r ON r.id = o.id
            WHERE r.version IS DISTINCT FROM o.version;
    END IF;

    -- All locks are held: what the clock says from here on cannot be overtaken by waiting.
    at := store_time(given_time);
    lag := clock_lag(given_time, at);
    IF cardinality(timed_changes) > 0 THEN
        SELECT array_agg(t.change) INTO late
            FROM unnest(timed_changes, not_before, not_after) AS t (change, not_before, not_after)
            WHERE at < t.not_before OR at >= t.not_after;
        IF old_written AND late IS NOT NULL THEN
            PERFORM FROM unnest(late) AS l (change)
                WHERE l.change = ANY (old_changes) AND l.change <> ALL (coalesce(stale, '{}'));
            IF FOUND THEN
                RAISE EXCEPTION 'a change is outside its time; it is tried again with care' USING ERRCODE = 'APTIM';
            END IF;
        END IF;
    END IF;
    failed := coalesce(failed, '{}');
    refused := coalesce(stale || late || bound, '{}');

    IF cardinality(new_ids) > 0 THEN
        -- In the order of the keys, for the same reason as above.
        INSERT INTO requests (id, version, key, namespace, status, execution, action, requester, run, due_at, executor,
                created_at, document)
            SELECT n.id, 1, n.key, n.namespace, n.status, n.execution, n.action, n.requester, n.run, n.due_at,
                n.executor, n.created_at, n.document
            FROM unnest(new_changes, new_ids, new_keys, new_namespaces, new_statuses, new_executions, new_actions,
                    new_requesters, new_runs, new_dues, new_executors, new_created, new_documents)
                AS n (change, id, key, namespace, status, execution, action, requester, run, due_at, executor,
                    created_at, document)
            WHERE n.change <> ALL (refused)
            ORDER BY n.key
            ON CONFLICT DO NOTHING;
        GET DIAGNOSTICS written = ROW_COUNT;
        IF written < cardinality(new_ids) THEN
            -- Those that this transaction did not write, for whatever reason.
            SELECT stale || array_agg(n.change) INTO stale
                FROM unnest(new_changes, new_ids, new_keys) AS n (change, id, key)
                WHERE EXISTS (
                    SELECT FROM requests r
                    WHERE (r.id = n.id OR r.key = n.key)
                        AND r.xmin::text::bigint <> (pg_current_xact_id()::text::bigint & 4294967295)
                );
            refused := refused || coalesce(stale, '{}');
        END IF;
    END IF;

    IF cardinality(old_ids) > 0 AND NOT old_written THEN
        UPDATE requests r
            SET version = o.version + 1, status = o.status, execution = o.execution, due_at = o.due_at,
                executor = o.executor, document = o.document
            FROM unnest(old_changes, old_ids, old_versions, old_statuses, old_executions, old_dues, old_executors,
                    old_documents)
                AS o (change, id, version, status, execution, due_at, executor, document)
            WHERE r.id = o.id AND o.change <> ALL (refused);
    END IF;
    IF cardinality(event_changes) > 0 THEN
        INSERT INTO events (request, seq, line)
            SELECT e.request, e.seq, e.line
            FROM unnest(event_changes, event_requests, event_seqs, event_lines) AS e (change, request, seq, line)
            WHERE e.change <> ALL (refused);
    END IF;
    IF cardinality(notice_changes) > 0 THEN
        -- The namespace is that of the request: handed in if the request is written too, else looked up.
        INSERT INTO notices (id, request, namespace, channel, claimable_at, owner, body)
            SELECT n.id, n.request,
                coalesce(n.namespace, (SELECT r.namespace FROM requests r WHERE r.id = n.request), 'default'), n.channel,
                CASE WHEN n.owner IS NULL THEN n.claimable_at ELSE greatest(n.claimable_at, at + n.lease) END,
                CASE WHEN n.claimable_at IS NOT NULL THEN n.owner END, n.body
            FROM unnest(notice_changes, notice_ids, notice_requests, notice_namespaces, notice_channels, notice_claimable,
                    notice_owners, notice_leases, notice_bodies) WITH ORDINALITY
                AS n (change, id, request, namespace, channel, claimable_at, owner, lease, body, place)
            WHERE n.change <> ALL (refused)
            ORDER BY n.place;
        SELECT coalesce(bool_or(n.owner IS NULL AND n.claimable_at IS NOT NULL), false) INTO told_notices
            FROM unnest(notice_changes, notice_owners, notice_claimable) AS n (change, owner, claimable_at)
            WHERE n.change <> ALL (refused);
    END IF;
    IF cardinality(write_changes) > 0 THEN
        DELETE FROM records
            WHERE name IN (
                SELECT w.name FROM unnest(write_changes, write_names, write_values) AS w (change, name, value)
                WHERE w.value IS NULL AND w.change <> ALL (refused)
            );
        INSERT INTO records AS r (name, version, value, updated_at)
            SELECT w.name, 1, w.value, at
            FROM unnest(write_changes, write_names, write_values) AS w (change, name, value)
            WHERE w.value IS NOT NULL AND w.change <> ALL (refused)
            ON CONFLICT (name) DO UPDATE
                SET version = r.version + 1, value = excluded.value, updated_at = excluded.updated_at;
        SELECT array_agg(w.name) INTO told_records
            FROM unnest(write_changes, write_names) AS w (change, name) WHERE w.change <> ALL (refused);
    END IF;

    IF cardinality(settled_ids) > 0 THEN
        WITH done AS (
            UPDATE notices n SET delivery = s.delivery, claimable_at = s.claimable_at, owner = NULL
                FROM unnest(settled_requests, settled_ids, settled_owners, settled_deliveries, settled_claimable)
                    AS s (request, id, owner, delivery, claimable_at)
                WHERE n.request = s.request AND n.id = s.id AND n.owner = s.owner
                RETURNING n.claimable_at
        )
        SELECT told_notices OR coalesce(bool_or(done.claimable_at IS NOT NULL), false) INTO told_notices FROM done;
    END IF;
    IF cardinality(journal_lines) > 0 THEN
        INSERT INTO journal (number, line)
            SELECT (batch_number << 20) + j.place, j.line
            FROM unnest(journal_lines) WITH ORDINALITY AS j (line, place);
    END IF;

    IF refused = '{}' THEN
        told_requests := new_ids || old_ids;
        reasons := '{}';
    ELSE
        SELECT array_agg(t.id) INTO told_requests
            FROM unnest(new_changes || old_changes, new_ids || old_ids) AS t (change, id)
            WHERE t.change <> ALL (refused);
        SELECT array_agg(DISTINCT n.change) INTO refused FROM unnest(refused) AS n (change);
        SELECT array_agg(
                CASE WHEN n.change = ANY (stale) THEN 1 WHEN n.change = ANY (late) THEN 2 ELSE 3 END ORDER BY n.place
            ) INTO reasons
            FROM unnest(refused) WITH ORDINALITY AS n (change, place);
    END IF;
    IF cardinality(told_requests) > 0 OR told_records IS NOT NULL OR told_notices THEN
        INSERT INTO changes (batch, writer, requests, records, notices)
            VALUES (batch_number, me, coalesce(told_requests, '{}'), coalesce(told_records, '{}'), told_notices);
        -- Many ids are left to be looked up by the number: what waits to be told takes room in a queue of the server.
        IF coalesce(cardinality(told_requests), 0) <= 64 AND told_records IS NULL THEN
            payload := concat_ws(' ', batch_number, me, told_notices::int,
                replace(array_to_string(told_requests, ''), '-', ''));
        ELSE
            payload := concat_ws(' ', batch_number, me);
        END IF;
        PERFORM pg_notify(topic, payload);
    END IF;
    -- Last of all: whoever takes over meanwhile waits for the end of this transaction, and who did so before undoes it.
    UPDATE writers w SET batch = my_batch, high_water = commit_batch.at, refused = commit_batch.refused,
            reasons = commit_batch.reasons, failed = commit_batch.failed
        WHERE w.id = me AND w.fence = my_fence AND w.batch < my_batch;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'another connection of this process has taken over' USING ERRCODE = 'APFEN';
    END IF;
END
$$;

-- Tells that a transaction is under way that takes a number of a batch, and takes it.
CREATE OR REPLACE FUNCTION begin_batch(tag int) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    low bigint;
BEGIN
    SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO low FROM batches;
    PERFORM pg_advisory_xact_lock_shared((tag::bigint << 48) | low);
    RETURN nextval('batches');
END
$$;

-- Removes a request of this version with its history and notices. When; null if it is not there or has another version.
CREATE OR REPLACE FUNCTION remove_request(me uuid, wanted uuid, wanted_version bigint, given_time bigint, tag int, topic text)
RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    batch_number bigint := begin_batch(tag);
    was_archived boolean;
BEGIN
    DELETE FROM requests WHERE id = wanted AND version = wanted_version RETURNING archived INTO was_archived;
    IF NOT FOUND THEN
        RETURN NULL;
    END IF;
    DELETE FROM events WHERE request = wanted;
    DELETE FROM notices WHERE request = wanted;
    IF was_archived THEN
        DELETE FROM requests_archive WHERE id = wanted;
        DELETE FROM events_archive WHERE request = wanted;
        DELETE FROM notices_archive WHERE request = wanted;
    END IF;
    DELETE FROM due_claims WHERE request = wanted;
    INSERT INTO changes (batch, writer, requests, records, notices)
        VALUES (batch_number, me, ARRAY[wanted], '{}', false);
    PERFORM pg_notify(topic, concat_ws(' ', batch_number, me, 0, replace(wanted::text, '-', '')));
    RETURN store_time(given_time);
END
$$;

-- Claims up to 'most' requests that are due, those that are due longest first: nobody else gets them before the lease is
-- over, but whoever has them gets them again. Rows that somebody is writing at this moment are left out for now, and those
-- in 'unreadable' for good.
CREATE OR REPLACE FUNCTION claim_due(me uuid, tenant text, given_time bigint, lease bigint, most bigint, unreadable uuid[],
    OUT at bigint, OUT claimed uuid[], OUT next bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    found uuid[];
BEGIN
    at := store_time(given_time);
    claimed := '{}';
    SELECT r.due_at INTO next FROM requests r
        WHERE r.namespace = tenant AND r.due_at IS NOT NULL AND r.id <> ALL (unreadable) ORDER BY r.due_at LIMIT 1;
    IF next IS NULL OR next > at THEN
        RETURN;
    END IF;
    DELETE FROM due_claims WHERE request IN (
        SELECT c.request FROM due_claims c WHERE c.until <= at ORDER BY c.until LIMIT most * 2 FOR UPDATE SKIP LOCKED
    );
    -- The claim of each is looked up as a value: as a join, one pass over all claims might be made for each that is due.
    SELECT array_agg(d.id ORDER BY d.due_at, d.id) INTO found FROM (
        SELECT r.id, r.due_at FROM requests r
            WHERE r.namespace = tenant AND r.due_at <= at AND r.id <> ALL (unreadable)
                AND coalesce((SELECT c.until <= at OR c.owner = me FROM due_claims c WHERE c.request = r.id), true)
            ORDER BY r.due_at LIMIT most FOR NO KEY UPDATE OF r SKIP LOCKED
    ) AS d;
    -- Somebody may have claimed them since this statement began: whose claim stands is decided by the row of the claim.
    WITH done AS (
        INSERT INTO due_claims AS c (request, owner, until)
            SELECT f.id, me, at + lease FROM unnest(found) AS f (id) ORDER BY f.id
            ON CONFLICT (request) DO UPDATE SET owner = excluded.owner, until = excluded.until
                WHERE c.until <= at OR c.owner = me
            RETURNING c.request
    )
    SELECT coalesce(array_agg(f.id ORDER BY f.place), '{}') INTO claimed
        FROM unnest(found) WITH ORDINALITY AS f (id, place) JOIN done ON done.request = f.id;
    -- The rest: what is due and was cut off, or is being written; what others look after, until their lease is over; and
    -- what is due later.
    SELECT r.due_at INTO next FROM requests r
        WHERE r.namespace = tenant AND r.due_at <= at AND r.id <> ALL (unreadable) AND r.id <> ALL (claimed)
            AND coalesce((SELECT c.until <= at OR c.owner = me FROM due_claims c WHERE c.request = r.id), true)
        ORDER BY r.due_at LIMIT 1;
    IF next IS NOT NULL AND cardinality(claimed) < most THEN
        next := at + 50000;
    ELSIF next IS NULL THEN
        SELECT least(
            (SELECT r.due_at FROM requests r
                WHERE r.namespace = tenant AND r.due_at > at AND r.id <> ALL (unreadable) ORDER BY r.due_at LIMIT 1),
            (SELECT min(c.until) FROM due_claims c JOIN requests r ON r.id = c.request
                WHERE c.until > at AND c.owner <> me AND r.namespace = tenant AND r.due_at <= at)
        ) INTO next;
    END IF;
END
$$;

-- Claims up to 'most' notices of this namespace and these channels (of any, if none is named), those that have waited longest.
CREATE OR REPLACE FUNCTION claim_notices(claimer uuid, tenant text, wanted text[], given_time bigint, lease bigint, most bigint,
    OUT at bigint, OUT bodies text[], OUT deliveries text[], OUT next bigint) LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    candidates bigint[];
BEGIN
    at := store_time(given_time);
    bodies := '{}';
    deliveries := '{}';
    IF cardinality(wanted) = 0 THEN
        -- From channel to channel on the index, without touching their notices.
        WITH RECURSIVE waiting (channel) AS (
            SELECT min(n.channel) FROM notices n WHERE n.namespace = tenant AND n.claimable_at IS NOT NULL
            UNION ALL
            SELECT (SELECT min(n.channel) FROM notices n
                    WHERE n.namespace = tenant AND n.claimable_at IS NOT NULL AND n.channel > waiting.channel)
                FROM waiting WHERE waiting.channel IS NOT NULL
        )
        SELECT coalesce(array_agg(w.channel), '{}') INTO wanted FROM waiting w WHERE w.channel IS NOT NULL;
    END IF;
    SELECT min(first.claimable_at) INTO next FROM unnest(wanted) AS w (channel), LATERAL (
        SELECT n.claimable_at FROM notices n
            WHERE n.namespace = tenant AND n.channel = w.channel AND n.claimable_at IS NOT NULL ORDER BY n.claimable_at LIMIT 1
    ) AS first;
    IF next IS NULL OR next > at THEN
        RETURN;
    END IF;
    SELECT array_agg(c.number) INTO candidates FROM (
        SELECT found.number FROM (SELECT DISTINCT u.channel FROM unnest(wanted) AS u (channel)) AS w, LATERAL (
            SELECT n.number, n.claimable_at FROM notices n
                WHERE n.namespace = tenant AND n.channel = w.channel AND n.claimable_at <= at
                ORDER BY n.claimable_at LIMIT most FOR UPDATE SKIP LOCKED
        ) AS found
        ORDER BY found.claimable_at, found.number LIMIT most
    ) AS c;
    WITH done AS (
        UPDATE notices n SET claimable_at = claim_notices.at + lease, owner = claimer
            WHERE n.number = ANY (candidates) AND n.claimable_at <= claim_notices.at
            RETURNING n.number, n.body, n.delivery
    )
    SELECT coalesce(array_agg(d.body ORDER BY d.number), '{}'), coalesce(array_agg(d.delivery ORDER BY d.number), '{}')
        INTO bodies, deliveries FROM done d;
    SELECT min(first.claimable_at) INTO next FROM unnest(wanted) AS w (channel), LATERAL (
        SELECT n.claimable_at FROM notices n
            WHERE n.namespace = tenant AND n.channel = w.channel AND n.claimable_at IS NOT NULL ORDER BY n.claimable_at LIMIT 1
    ) AS first;
    -- What somebody else is claiming at this moment.
    IF next <= at AND cardinality(bodies) < most THEN
        next := at + 50000;
    END IF;
END
$$;

-- Appends lines to the journal under numbers that they have already, if they come after all that are there.
CREATE OR REPLACE FUNCTION import_journal(numbers bigint[], lines text[]) RETURNS boolean LANGUAGE plpgsql VOLATILE AS $$
DECLARE
    last bigint;
    first bigint := numbers[1];
BEGIN
    LOCK TABLE journal IN EXCLUSIVE MODE;
    IF cardinality(numbers) = 0 THEN
        RETURN true;
    END IF;
    SELECT coalesce(max(number), 0) INTO last FROM journal;
    IF first <= last THEN
        RETURN false;
    END IF;
    INSERT INTO journal (number, line) SELECT n.number, n.line FROM unnest(numbers, lines) AS n (number, line);
    -- What is written from now on comes after them.
    PERFORM setval('batches', greatest((SELECT last_value FROM batches), (numbers[cardinality(numbers)] >> 20) + 1));
    RETURN true;
END
$$;
