//! How a cluster is to be.

use std::path::PathBuf;

/// How a [`Cluster`](crate::Cluster) is to be. The default is quick: it forgets on a crash what it acknowledged.
///
/// ```
/// use approval_test_cluster::Settings;
///
/// let settings = Settings::default().durable(true).max_connections(20).conf("log_statement = 'all'");
/// ```
#[derive(Debug, Clone)]
#[must_use]
pub struct Settings {
    pub(crate) durable: bool,
    pub(crate) max_connections: u16,
    pub(crate) conf: Vec<String>,
    pub(crate) hba: Vec<String>,
    pub(crate) tls: bool,
    pub(crate) data_below: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            durable: false,
            max_connections: 100,
            conf: Vec::new(),
            hba: Vec::new(),
            tls: false,
            data_below: None,
        }
    }
}

impl Settings {
    /// Whether what was acknowledged survives a crash: `fsync`, `synchronous_commit` and `full_page_writes`, all
    /// on or all off (the default, and much quicker).
    pub fn durable(mut self, durable: bool) -> Self {
        self.durable = durable;
        self
    }

    /// How many connections there may be at the same time; 100 if not said.
    pub fn max_connections(mut self, count: u16) -> Self {
        self.max_connections = count;
        self
    }

    /// A further line for `postgresql.conf`. It comes last and so overrides what this package sets.
    pub fn conf(mut self, line: impl Into<String>) -> Self {
        self.conf.push(line.into());
        self
    }

    /// Whether the server speaks TLS with those who ask for it, with a certificate for `localhost` and 127.0.0.1.
    /// Clients must trust [`Cluster::ca_pem`](crate::Cluster::ca_pem).
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// A line for `pg_hba.conf` about connections over TCP (`hostssl all all 127.0.0.1/32 scram-sha-256`). With
    /// the first such line nobody else may connect over TCP; without any, everybody may. Over the Unix socket
    /// everybody always may.
    pub fn hba(mut self, line: impl Into<String>) -> Self {
        self.hba.push(line.into());
        self
    }

    /// Puts the data below this folder instead of the temporary one: for measurements on a real disk. The folder
    /// is made if it does not exist; every user must be able to reach it when the tests run as root.
    pub fn on_disk(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_below = Some(folder.into());
        self
    }

    /// The text of `pg_hba.conf`, or `None` if that which `initdb` wrote is right.
    pub(crate) fn hba_text(&self) -> Option<String> {
        let over_socket = "local all all trust\nlocal replication all trust\n";
        (!self.hba.is_empty()).then(|| format!("{over_socket}{}\n", self.hba.join("\n")))
    }

    /// The text to append to the `postgresql.conf` that `initdb` wrote.
    pub(crate) fn into_text(self) -> String {
        let durable = if self.durable { "on" } else { "off" };
        let mut lines = vec![
            format!("fsync = {durable}"),
            format!("synchronous_commit = {durable}"),
            format!("full_page_writes = {durable}"),
            format!("max_connections = {}", self.max_connections),
            "listen_addresses = '127.0.0.1'".to_owned(),
            // Files in the data directory go with it; what lies in /dev/shm would outlive a killed server.
            "dynamic_shared_memory_type = mmap".to_owned(),
            "log_line_prefix = '%m [%p] '".to_owned(),
        ];
        lines.extend(self.conf);
        format!("\n{}\n", lines.join("\n"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_lines_come_last() {
        let text = Settings::default().durable(true).conf("fsync = off").conf("work_mem = '8MB'").into_text();
        let (ours, further) = (text.find("fsync = on").unwrap(), text.find("fsync = off").unwrap());
        assert!(ours < further && text.ends_with("\nwork_mem = '8MB'\n"), "{text}");
    }
}
