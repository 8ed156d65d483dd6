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
    pub(crate) data_below: Option<PathBuf>,
}

impl Default for Settings {
    fn default() -> Self {
        Self { durable: false, max_connections: 100, conf: Vec::new(), data_below: None }
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

    /// Puts the data below this folder instead of the temporary one: for measurements on a real disk. The folder
    /// is made if it does not exist; every user must be able to reach it when the tests run as root.
    pub fn on_disk(mut self, folder: impl Into<PathBuf>) -> Self {
        self.data_below = Some(folder.into());
        self
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
