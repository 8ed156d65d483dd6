-- Every process asks for the records that others wrote since a batch.
CREATE INDEX records_batch ON records (batch);
