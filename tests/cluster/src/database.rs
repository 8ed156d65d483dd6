//! A database of its own for each test.

use crate::Error;
use crate::server::Server;

/// A fresh, empty database; dropped, with every connection to it cut, when this handle is dropped.
#[derive(Debug)]
pub struct Database {
    server: Server,
    name: String,
    url: String,
    socket_url: String,
}

impl Database {
    pub(crate) fn create(server: &Server, name: String) -> Result<Self, Error> {
        // Copying the files is quicker than writing the copy to the log, where nothing is synced.
        server.psql("postgres", &format!("create database {name} template template0 strategy file_copy"))?;
        let (url, socket_url) = (server.url(&name), server.socket_url(&name));
        Ok(Self { server: server.clone(), name, url, socket_url })
    }

    /// The name of the database.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Where to connect over TCP: `postgres://postgres@127.0.0.1:PORT/NAME`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where to connect over the Unix socket.
    #[must_use]
    pub fn socket_url(&self) -> &str {
        &self.socket_url
    }

    /// Runs SQL in this database as a superuser; as [`Cluster::psql`](crate::Cluster::psql).
    ///
    /// # Errors
    /// What the server or psql said.
    pub fn psql(&self, sql: &str) -> Result<String, Error> {
        self.server.psql(&self.name, sql)
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        // If the server is down, the database goes with its directory.
        self.server.psql("postgres", &format!("drop database if exists {} with (force)", self.name)).ok();
    }
}
