-- What is due and what waits to be delivered is found by namespace, so that many requests of one never keep those of another
-- waiting. A notice has the namespace of its request.
ALTER TABLE notices ADD COLUMN namespace text COLLATE "C" NOT NULL DEFAULT 'default';
UPDATE notices n SET namespace = r.namespace FROM requests r WHERE r.id = n.request AND r.namespace <> 'default';
DROP INDEX notices_claimable;
CREATE INDEX notices_claimable ON notices (namespace, channel, claimable_at) WHERE claimable_at IS NOT NULL;
DROP INDEX requests_due;
CREATE INDEX requests_due ON requests (namespace, due_at) WHERE due_at IS NOT NULL;

-- Their parameters are others now; `functions.sql` makes them anew. A program of before that is still connected cannot
-- write any more.
DROP FUNCTION IF EXISTS commit_batch;
DROP FUNCTION IF EXISTS claim_due;
DROP FUNCTION IF EXISTS claim_notices;
