//! A copy of a server that follows it and may take its place.

use std::path::PathBuf;
use std::sync::Arc;

use crate::Error;
use crate::server::{Mode, Server, append};
use crate::watchdog::Watchdog;

/// A standby: follows its primary over streaming replication, and answers reading statements meanwhile.
///
/// It keeps its primary's directories, and with them its primary, until it is dropped too.
#[derive(Debug)]
pub struct Standby {
    server: Server,
    primary: Server,
    name: String,
    url: String,
    socket_url: String,
    _watchdog: Arc<Watchdog>,
}

impl Standby {
    /// Copies the primary and starts the copy as `standby_NUMBER`.
    pub(crate) fn start(primary: &Server, number: u32, watchdog: Arc<Watchdog>) -> Result<Self, Error> {
        let name = format!("standby_{number}");
        let data: PathBuf = primary.data().with_file_name(&name);
        primary.copy_to(&data, &name)?;
        // A primary that waits for a standby hands that setting down; once promoted, this one would wait for ever.
        append(&data.join("postgresql.auto.conf"), "synchronous_standby_names = ''\n")?;
        let server = primary.beside(data)?;
        let (url, socket_url) = (server.url("postgres"), server.socket_url("postgres"));
        Ok(Self { server, primary: primary.clone(), name, url, socket_url, _watchdog: watchdog })
    }

    /// From now on the primary acknowledges a commit only when this standby has it on its disk too. While the
    /// standby is away, commits on the primary wait.
    ///
    /// # Errors
    /// If the standby is not connected to its primary, or the primary does not take it as synchronous.
    pub fn make_synchronous(&self) -> Result<(), Error> {
        // Before, not after: without a standby the first commit would wait for ever.
        self.wait_until_primary_says("state = 'streaming'")?;
        self.primary.psql(
            "postgres",
            &format!(
                "alter system set synchronous_standby_names = '{}'; \
                 alter system set synchronous_commit = 'on'; \
                 select pg_reload_conf()",
                self.name
            ),
        )?;
        self.wait_until_primary_says("sync_state = 'sync'")
    }

    fn wait_until_primary_says(&self, condition: &str) -> Result<(), Error> {
        let sql = format!(
            "select count(*) from pg_stat_replication where application_name = '{}' and {condition}",
            self.name
        );
        self.primary.wait_until(&format!("the primary says of {}: {condition}", self.name), || {
            Ok(self.primary.psql("postgres", &sql)? == "1")
        })
    }

    /// Makes this standby a primary of its own, which takes writes when this returns. The old primary must be
    /// down, or there are two.
    ///
    /// # Errors
    /// If it does not run or is no standby any more.
    pub fn promote(&self) -> Result<(), Error> {
        self.server.promote()
    }

    /// Where to connect over TCP.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where to connect over the Unix socket.
    #[must_use]
    pub fn socket_url(&self) -> &str {
        &self.socket_url
    }

    /// The TCP port, which is also part of the name of the socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The process id of the server, or `None` while it is down.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Runs SQL on the standby; as [`Cluster::psql`](crate::Cluster::psql).
    ///
    /// # Errors
    /// What the server or psql said. Before [`promote`](Self::promote) the server refuses to write.
    pub fn psql(&self, sql: &str) -> Result<String, Error> {
        self.server.psql("postgres", sql)
    }

    /// As [`Cluster::stop`](crate::Cluster::stop).
    ///
    /// # Errors
    /// If it does not run or does not stop.
    pub fn stop(&self, mode: Mode) -> Result<(), Error> {
        self.server.stop(mode)
    }

    /// As [`Cluster::kill`](crate::Cluster::kill).
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&self) -> Result<(), Error> {
        self.server.kill()
    }

    /// As [`Cluster::start_again`](crate::Cluster::start_again).
    ///
    /// # Errors
    /// If it runs already or does not come back.
    pub fn start_again(&self) -> Result<(), Error> {
        self.server.start()
    }
}
