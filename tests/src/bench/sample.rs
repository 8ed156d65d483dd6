//! The bytes that our store writes for one approval, read back from its file, for bare code to write the same.

use std::path::Path;

use rusqlite::Connection;
use uuid::Uuid;

/// What the rows of one approval hold.
#[derive(Clone, Debug)]
pub struct Sample {
    /// Name of the action.
    pub action: String,
    /// The agent.
    pub requester: String,
    /// The document as it was opened.
    pub document_pending: Vec<u8>,
    /// The document once approved.
    pub document_approved: Vec<u8>,
    /// When something is due while it is pending.
    pub due_pending: i64,
    /// When something is due once it is approved.
    pub due_approved: i64,
    /// When it was opened.
    pub created_at: i64,
    /// The lines of its history.
    pub events: Vec<String>,
    /// Its notice, as it is first written. The one who asked is an agent, whom no channel reaches: no notice tells of the end.
    pub notice: String,
    /// Its channel.
    pub channel: String,
    /// Who delivers it.
    pub owner: Uuid,
    /// How far a delivered one has come.
    pub delivered: String,
}

impl Sample {
    /// Reads the file of a store in which one request is approved, one is pending, and every notice is delivered.
    ///
    /// # Panics
    /// When the file does not hold that.
    #[must_use]
    pub fn read(path: &Path) -> Self {
        let file = Connection::open(path).expect("the file");
        let texts = |sql: &str, id: &[u8]| -> Vec<String> {
            let mut statement = file.prepare(sql).expect("SQL");
            let rows = statement.query_map([id], |row| row.get(0)).expect("rows");
            rows.map(|row| row.expect("a text")).collect()
        };
        let row = |status: &str| -> (Vec<u8>, Vec<u8>, i64, i64, String, String) {
            let sql =
                "SELECT id, document, due_at, created_at, action, requester FROM requests WHERE status = ?1";
            let get = |row: &rusqlite::Row<'_>| {
                Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get(3)?, row.get(4)?, row.get(5)?))
            };
            file.query_row(sql, [status], get).expect("one of each")
        };
        let (_, document_pending, due_pending, created_at, action, requester) = row("pending");
        let (id, document_approved, due_approved, ..) = row("approved");
        let events = texts("SELECT line FROM events WHERE request = ?1 ORDER BY seq", &id);
        let mut notices = texts("SELECT body FROM notices WHERE request = ?1 ORDER BY number", &id);
        assert_eq!((events.len(), notices.len()), (3, 1), "opened, voted, decided; asked");
        let delivered = texts("SELECT delivery FROM notices WHERE request = ?1", &id).remove(0);
        let channel = texts("SELECT channel FROM notices WHERE request = ?1", &id).remove(0);
        Self {
            action,
            requester,
            document_pending,
            document_approved,
            due_pending,
            due_approved,
            created_at,
            events,
            notice: notices.remove(0),
            channel,
            owner: Uuid::now_v7(),
            delivered,
        }
    }
}
