//! Setting the latest moment that the store gave out.

use approval_core::{clock::Timestamp, store::StoreError};

use super::{batch::Batch, failure::failed, job::Task, rows::micros};

const SET: &str = "UPDATE writers SET high_water = ?1";

/// Sets the mark of every writer, of this one in memory too.
pub(super) struct SetMarkTask(pub(super) Timestamp);

impl Task for SetMarkTask {
    type Outcome = ();

    fn run(&self, batch: &mut Batch<'_>, _: Timestamp) -> Result<(), StoreError> {
        let fail = failed("the time of the store cannot be set");
        batch.statement(SET, &fail)?.execute([micros(self.0)]).map_err(&fail)?;
        batch.time.set_mark(self.0);
        Ok(())
    }
}
