//! What belongs to one request: its history and its notices.

use approval_core::{
    id::RequestId,
    model::{EventLine, OutboxNotice},
    store::StoreError,
};

use super::{reader::Reader, rows};
use crate::columns::count;

const HISTORY: &str = "SELECT seq, line FROM history_of($1)";
const NOTICES: &str = "SELECT body, delivery FROM notices_of($1)";

pub(super) async fn history(reader: &Reader, id: RequestId) -> Result<Vec<EventLine>, StoreError> {
    reader
        .read("a history could not be read", move |connection| async move {
            let statement = connection.prepare_cached(HISTORY).await?;
            let found = connection.query(&statement, &[id.as_uuid()]).await?;
            let lines = found.iter().map(|row| {
                let line = std::str::from_utf8(row.try_get(1)?).map_err(|_| {
                    StoreError::unreadable(format!("a line of the history of {id} is no text"))
                })?;
                Ok(EventLine { seq: count(row.try_get(0)?)?, text: line.into() })
            });
            lines.collect()
        })
        .await
}

pub(super) async fn notices(reader: &Reader, id: RequestId) -> Result<Vec<OutboxNotice>, StoreError> {
    reader
        .read("notices could not be read", move |connection| async move {
            let statement = connection.prepare_cached(NOTICES).await?;
            let found = connection.query(&statement, &[id.as_uuid()]).await?;
            found.iter().map(|row| Ok(rows::notice(row, 0)?.decode()?)).collect()
        })
        .await
}
