//! A cluster: a server, its directories, and who clears them away.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, OnceLock};
use std::{env, fs};

use crate::installation::Installation;
use crate::server::{Mode, Server};
use crate::watchdog::Watchdog;
use crate::{Database, Error, Settings, Standby, tls};

/// A running PostgreSQL server of its own, with the superuser `postgres`, whom it trusts without a password.
///
/// It listens on a Unix socket and on 127.0.0.1 only. See the [crate's documentation](crate).
#[derive(Debug)]
pub struct Cluster {
    server: Server,
    url: String,
    socket_url: String,
    ca: Option<String>,
    databases: AtomicU32,
    standbys: AtomicU32,
    watchdog: Arc<Watchdog>,
}

impl Cluster {
    /// The quick cluster that all tests of this process share, with room for 300 connections. The first call
    /// starts it. Do not stop it: others use it.
    ///
    /// # Panics
    /// If it cannot be started; says why and what to do.
    #[must_use]
    pub fn shared() -> &'static Self {
        static SHARED: OnceLock<Cluster> = OnceLock::new();
        #[expect(clippy::panic, reason = "a test without its server has failed, and says so plainly")]
        SHARED.get_or_init(|| {
            Self::start(Settings::default().max_connections(300))
                .unwrap_or_else(|error| panic!("the tests' PostgreSQL server cannot be started: {error}"))
        })
    }

    /// Starts a new, empty cluster. If PostgreSQL is not on this machine, Debian's package is installed first.
    ///
    /// # Errors
    /// If PostgreSQL is missing and cannot be installed, or if the cluster cannot be made or started.
    pub fn start(mut settings: Settings) -> Result<Self, Error> {
        let installation = Installation::find()?;
        let data_below = settings.data_below.as_deref().map(existing).transpose()?;
        let watchdog = Watchdog::start(&existing(&env::temp_dir())?, data_below.as_deref())?;
        let (home, data) = (watchdog.home().to_owned(), watchdog.data().join("primary"));
        for folder in [&home, watchdog.data()] {
            installation.hand_over(folder)?;
        }
        let issued = if settings.tls { Some(tls::issue(&home, &installation)?) } else { None };
        let ca = issued.map(|issued| {
            // First, so that a line of the caller's overrides them.
            settings.conf.splice(..0, issued.conf);
            issued.ca
        });
        let server = Server::create(installation, home, data, settings)?;
        let (url, socket_url) = (server.url("postgres"), server.socket_url("postgres"));
        Ok(Self {
            server,
            url,
            socket_url,
            ca,
            databases: AtomicU32::new(0),
            standbys: AtomicU32::new(0),
            watchdog: Arc::new(watchdog),
        })
    }

    /// A fresh database of its own.
    ///
    /// # Errors
    /// If the server does not make it.
    pub fn database(&self) -> Result<Database, Error> {
        let number = self.databases.fetch_add(1, Ordering::Relaxed) + 1;
        Database::create(&self.server, format!("test_{number}"))
    }

    /// A new standby, which has everything that this cluster has, follows it and answers. It follows behind; see
    /// [`Standby::make_synchronous`].
    ///
    /// # Errors
    /// If the copy cannot be made or started.
    pub fn standby(&self) -> Result<Standby, Error> {
        let number = self.standbys.fetch_add(1, Ordering::Relaxed) + 1;
        Standby::start(&self.server, number, Arc::clone(&self.watchdog))
    }

    /// Where to connect over TCP: `postgres://postgres@127.0.0.1:PORT/postgres`.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where to connect over the Unix socket: `postgres:///postgres?host=FOLDER&port=PORT&user=postgres`.
    #[must_use]
    pub fn socket_url(&self) -> &str {
        &self.socket_url
    }

    /// With [`Settings::tls`]: the certificate of the authority that issued the server's, as PEM.
    #[must_use]
    pub fn ca_pem(&self) -> Option<&str> {
        self.ca.as_deref()
    }

    /// With [`Settings::tls`]: the file that holds [`ca_pem`](Self::ca_pem).
    #[must_use]
    pub fn ca_file(&self) -> Option<PathBuf> {
        self.ca.is_some().then(|| self.server.home().join(tls::CA_FILE))
    }

    /// The TCP port, which is also part of the name of the socket.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.server.port()
    }

    /// The data directory.
    #[must_use]
    pub fn data(&self) -> &Path {
        self.server.data()
    }

    /// The process id of the server, or `None` while it is down.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.server.pid()
    }

    /// Runs SQL in the database `postgres` as a superuser, over a connection of its own. Statements end with `;`
    /// and are committed one by one. Rows come one a line, columns parted by `|`, null as nothing.
    ///
    /// # Errors
    /// What the server or psql said to the first statement that failed; those after it are not run.
    pub fn psql(&self, sql: &str) -> Result<String, Error> {
        self.server.psql("postgres", sql)
    }

    /// Stops the server and starts it again on the same port.
    ///
    /// # Errors
    /// If it does not stop or does not come back.
    pub fn restart(&self, mode: Mode) -> Result<(), Error> {
        self.server.stop(mode)?;
        self.server.start()
    }

    /// Stops the server; its data stay.
    ///
    /// # Errors
    /// If it does not run or does not stop.
    pub fn stop(&self, mode: Mode) -> Result<(), Error> {
        self.server.stop(mode)
    }

    /// Kills the server with SIGKILL, as the system does when memory runs out. Its sessions end within about a
    /// second, on their own.
    ///
    /// # Errors
    /// If it does not run.
    pub fn kill(&self) -> Result<(), Error> {
        self.server.kill()
    }

    /// Starts the server again after [`stop`](Self::stop) or [`kill`](Self::kill), on the same port, and waits
    /// until it has recovered.
    ///
    /// # Errors
    /// If it runs already or does not come back.
    pub fn start_again(&self) -> Result<(), Error> {
        self.server.start()
    }

    /// Kills one session of the server with SIGKILL: the server then cuts all of them and recovers, for it cannot
    /// know what the dead one left behind in the shared memory.
    ///
    /// # Errors
    /// If no session of this server has that process id.
    pub fn kill_backend(&self, pid: u32) -> Result<(), Error> {
        self.server.kill_backend(pid)
    }

    /// Waits until the server takes connections again, after [`kill_backend`](Self::kill_backend).
    ///
    /// # Errors
    /// If it does not within a minute.
    pub fn wait_until_ready(&self) -> Result<(), Error> {
        self.server.wait_until("the server takes connections", || {
            Ok(self.server.psql("postgres", "select 1").is_ok())
        })
    }

    /// A client program of the same installation (`psql`, `pgbench`), without any option yet and with none of
    /// the settings of the user.
    #[must_use]
    pub fn client(&self, program: &str) -> Command {
        self.server.client(program)
    }
}

/// The whole path of a folder, which is made if it is not there: the server changes its working directory, and
/// a relative path would lead elsewhere.
fn existing(folder: &Path) -> Result<PathBuf, Error> {
    fs::create_dir_all(folder)
        .and_then(|()| folder.canonicalize())
        .map_err(Error::system(format!("making the folder {}", folder.display())))
}
