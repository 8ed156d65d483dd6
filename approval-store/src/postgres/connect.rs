//! Connections to the database.

use std::{
    future::poll_fn,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tokio::sync::mpsc;
use tokio_postgres::{
    AsyncMessage, Client, Config, Connection, Notification, Socket, error::Severity, tls::TlsStream,
};
use tokio_postgres_rustls::MakeRustlsConnect;

/// Makes connections of one kind.
#[derive(Clone)]
pub(super) struct Connector {
    pub(super) config: Config,
    pub(super) tls: MakeRustlsConnect,
    /// What a new session is sent first.
    pub(super) setup: Arc<str>,
}

/// What every session needs: names that are found, times and plans that do not depend on the server's settings, and commits
/// that are on disk before they are acknowledged. How far standbys must have it too is the operator's choice.
pub(super) fn setup(schema: &str) -> Arc<str> {
    format!(
        "SET search_path = \"{schema}\"; SET default_transaction_isolation = 'read committed'; SET jit = off;
         SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off;
         SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'"
    )
    .into()
}

/// A connection that is not shared.
pub(super) struct Own {
    pub(super) client: Client,
    /// The server warned about something: what it acknowledged since may not be everywhere where it should be.
    pub(super) warned: Arc<AtomicBool>,
}

impl Connector {
    /// A new connection, ready for work. What is notified goes to `heard`.
    pub(super) async fn own(
        &self,
        heard: Option<mpsc::UnboundedSender<Notification>>,
    ) -> Result<Own, tokio_postgres::Error> {
        let (client, connection) = self.config.connect(self.tls.clone()).await?;
        let warned = Arc::new(AtomicBool::new(false));
        tokio::spawn(drive(connection, heard, Arc::clone(&warned)));
        client.batch_execute(&self.setup).await?;
        // What a server says to everybody who connects is about no change.
        warned.store(false, Ordering::Release);
        Ok(Own { client, warned })
    }
}

/// Moves what is sent and received, until the connection ends.
async fn drive<S>(
    mut connection: Connection<Socket, S>,
    heard: Option<mpsc::UnboundedSender<Notification>>,
    warned: Arc<AtomicBool>,
) where
    S: TlsStream + Unpin,
{
    loop {
        let message = poll_fn(|context| connection.poll_message(context)).await;
        match message {
            Some(Ok(AsyncMessage::Notification(notification))) => {
                if let Some(heard) = &heard {
                    drop(heard.send(notification));
                }
            }
            Some(Ok(AsyncMessage::Notice(notice))) => {
                if notice.parsed_severity() == Some(Severity::Warning) {
                    warned.store(true, Ordering::Release);
                    tracing::warn!(message = notice.message(), "the database warns");
                } else {
                    tracing::debug!(message = notice.message(), "the database says");
                }
            }
            Some(Ok(_)) => {}
            Some(Err(error)) => {
                tracing::debug!(%error, "a connection to the database was lost");
                return;
            }
            None => return,
        }
    }
}
