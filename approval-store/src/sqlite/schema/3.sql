-- What is due and what waits to be delivered is found by namespace, so that many requests of one never keep those of another
-- waiting. A notice has the namespace of its request.
ALTER TABLE notices ADD COLUMN namespace TEXT NOT NULL DEFAULT 'default';
UPDATE notices SET namespace = r.namespace FROM requests r WHERE r.id = notices.request AND r.namespace <> 'default';

DROP INDEX requests_due;
CREATE INDEX requests_due ON requests (namespace, due_at) WHERE due_at IS NOT NULL;
DROP INDEX notices_claimable;
CREATE INDEX notices_claimable ON notices (namespace, channel, claimable_at) WHERE claimable_at IS NOT NULL;
