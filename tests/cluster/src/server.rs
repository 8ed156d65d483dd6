//! One server process and its data directory, driven by PostgreSQL's own programs.

use std::hash::{BuildHasher, RandomState};
use std::io::{Read, Seek, SeekFrom, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;
use std::{fs, io};

use rustix::process::{Pid, Signal, kill_process};

use crate::installation::Installation;
use crate::{Error, Settings, poll};

/// How long a server may take to start, crash recovery included, and what its client programs wait for.
const PATIENCE: Duration = Duration::from_mins(1);

/// How much of the end of a log an error carries, in bytes.
const TAIL: u64 = 2_000;

/// How a server is stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// Sessions are cut and what they had begun is rolled back; then the server shuts down cleanly.
    Fast,
    /// Everything ends at once, as in a crash; the next start recovers.
    Immediate,
}

impl Mode {
    fn name(self) -> &'static str {
        match self {
            Self::Fast => "fast",
            Self::Immediate => "immediate",
        }
    }
}

/// A server: where it is, not whether it runs.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    installation: Installation,
    /// Holds the socket.
    home: PathBuf,
    data: PathBuf,
    port: u16,
}

impl Server {
    /// Makes a new cluster in `data` and starts it.
    pub(crate) fn create(
        installation: Installation,
        home: PathBuf,
        data: PathBuf,
        settings: Settings,
    ) -> Result<Self, Error> {
        let mut initdb = installation.server_program("initdb", &data);
        initdb.args(["-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8"]);
        // To sync the files costs half a second; only a machine that fails within that time would tell.
        initdb.args(["--no-sync", "--no-instructions", "-D"]).arg(&data);
        finish("initdb", &mut initdb, Path::new(""))?;
        if let Some(hba) = settings.hba_text() {
            let file = data.join("pg_hba.conf");
            fs::write(&file, hba).map_err(Error::system(format!("writing {}", file.display())))?;
        }
        append(&data.join("postgresql.conf"), &settings.into_text())?;
        Self::start_on_free_port(installation, home, data)
    }

    /// Starts a data directory for the first time, on the first port on which it can.
    fn start_on_free_port(installation: Installation, home: PathBuf, data: PathBuf) -> Result<Self, Error> {
        let mut server = Self { installation, home, data, port: 0 };
        let mut attempts = 0;
        loop {
            server.port = free_port()?;
            attempts += 1;
            match server.start_once() {
                // Somebody was quicker to take the port.
                Err(Error::Failed { log, .. }) if attempts < 5 && log.contains("Address already in use") => {}
                Err(error) => return Err(error),
                Ok(()) => return Ok(server),
            }
        }
    }

    /// Copies this server, which must run, as the beginning of a standby that calls itself `name`.
    pub(crate) fn copy_to(&self, data: &Path, name: &str) -> Result<(), Error> {
        let mut copy = self.installation.server_program("pg_basebackup", data);
        copy.args(["-R", "-X", "stream", "-c", "fast", "--no-sync"]);
        // Over the socket, which is open to replication whatever is set for TCP.
        copy.arg("-d").arg(format!("{}&application_name={name}", self.socket_url("")));
        copy.arg("-D").arg(data);
        finish("pg_basebackup", &mut copy, &self.log())
    }

    /// Starts another data directory as a server of the same home.
    pub(crate) fn beside(&self, data: PathBuf) -> Result<Self, Error> {
        Self::start_on_free_port(self.installation.clone(), self.home.clone(), data)
    }

    pub(crate) fn promote(&self) -> Result<(), Error> {
        finish("pg_ctl promote", self.pg_ctl().arg("promote"), &self.log())
    }

    pub(crate) fn client(&self, program: &str) -> Command {
        self.installation.client_program(program)
    }

    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://postgres@127.0.0.1:{}/{database}", self.port)
    }

    pub(crate) fn socket_url(&self, database: &str) -> String {
        let home = percent_encoded(&self.home.to_string_lossy());
        format!("postgres:///{database}?host={home}&port={}&user=postgres", self.port)
    }

    /// Starts the server and waits until it takes connections. After a SIGKILL sessions may still hold the
    /// shared memory for a second, and the system may still know the dead process; it is tried until they have
    /// gone.
    pub(crate) fn start(&self) -> Result<(), Error> {
        if let Some(pid) = self.pid() {
            let what = format!("the server on port {} runs already, as process {pid}", self.port);
            return Err(Error::Unfit { what });
        }
        let left_over =
            |log: &str| log.contains("pre-existing shared memory block") || log.contains("already exists");
        self.wait_until("a server that was killed is wholly gone", || match self.start_once() {
            Ok(()) => Ok(true),
            Err(Error::Failed { log, .. }) if left_over(&log) => Ok(false),
            Err(error) => Err(error),
        })
    }

    fn start_once(&self) -> Result<(), Error> {
        let log = self.log();
        let from = fs::metadata(&log).map_or(0, |metadata| metadata.len());
        let options = format!("-p {} -k {}", self.port, self.home.display());
        let mut start = self.pg_ctl();
        start.arg("-l").arg(&log).args(["-o", &options, "start"]);
        let output = run("pg_ctl", &mut start)?;
        if output.status.success() {
            return Ok(());
        }
        Err(Error::Failed {
            program: "pg_ctl start".to_owned(),
            said: String::from_utf8_lossy(&output.stderr).trim().to_owned(),
            log: tail(&log, from),
        })
    }

    pub(crate) fn stop(&self, mode: Mode) -> Result<(), Error> {
        finish("pg_ctl stop", self.pg_ctl().args(["-m", mode.name(), "stop"]), &self.log())
    }

    fn pg_ctl(&self) -> Command {
        let mut command = self.installation.server_program("pg_ctl", &self.data);
        command.args(["-w", "-t", &PATIENCE.as_secs().to_string(), "-D"]).arg(&self.data);
        command
    }

    /// The process id that the server has written down, if that process lives and is this server.
    pub(crate) fn pid(&self) -> Option<u32> {
        let text = fs::read_to_string(self.data.join("postmaster.pid")).ok()?;
        let pid = text.lines().next()?.parse().ok()?;
        self.is_ours(pid).then_some(pid)
    }

    /// Whether the process is one of this server: all of them work in the data directory, and no other does.
    fn is_ours(&self, pid: u32) -> bool {
        fs::read_link(format!("/proc/{pid}/cwd")).is_ok_and(|folder| folder == self.data)
    }

    pub(crate) fn kill(&self) -> Result<(), Error> {
        let pid = self.pid().ok_or_else(|| Error::Unfit {
            what: format!("the server on port {} does not run, so it cannot be killed", self.port),
        })?;
        self.send_kill(pid)?;
        self.wait_until("the killed server is gone", || Ok(!self.is_ours(pid)))
    }

    pub(crate) fn kill_backend(&self, pid: u32) -> Result<(), Error> {
        if !self.is_ours(pid) {
            let what = format!("process {pid} is not a session of the server on port {}", self.port);
            return Err(Error::Unfit { what });
        }
        self.send_kill(pid)
    }

    fn send_kill(&self, pid: u32) -> Result<(), Error> {
        let signalled =
            i32::try_from(pid).ok().and_then(Pid::from_raw).ok_or(io::ErrorKind::InvalidInput.into());
        signalled
            .and_then(|pid| kill_process(pid, Signal::KILL).map_err(io::Error::from))
            .map_err(Error::system(format!("killing process {pid} of the server on port {}", self.port)))
    }

    /// Runs SQL over the socket: that works whatever the server asks of those who come over TCP.
    pub(crate) fn psql(&self, database: &str, sql: &str) -> Result<String, Error> {
        let mut psql = self.installation.client_program("psql");
        psql.args(["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-f", "-", "-d"]);
        psql.arg(self.socket_url(database));
        psql.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let in_vain = || Error::system("running psql");
        let mut child = psql.spawn().map_err(in_vain())?;
        let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe.into()).map_err(in_vain())?;
        // A thread of its own: psql answers while it reads, and neither pipe may fill up meanwhile.
        let (written, output) = std::thread::scope(|scope| {
            let writer = scope.spawn(move || input.write_all(sql.as_bytes()));
            let output = child.wait_with_output();
            (writer.join(), output)
        });
        let output = output.map_err(in_vain())?;
        if !output.status.success() {
            return Err(failed("psql", &output, &self.log()));
        }
        written.unwrap_or_else(|_| Err(io::ErrorKind::BrokenPipe.into())).map_err(in_vain())?;
        Ok(String::from_utf8_lossy(&output.stdout).trim_end_matches('\n').to_owned())
    }

    /// Beside the data directory, so that a copy of it does not hold it.
    fn log(&self) -> PathBuf {
        self.data.with_extension("log")
    }

    /// Looks until `done`, which `until` says in words; fails if it fails, or after a minute.
    pub(crate) fn wait_until(
        &self,
        until: &str,
        done: impl FnMut() -> Result<bool, Error>,
    ) -> Result<(), Error> {
        if poll::until(PATIENCE, done)? {
            return Ok(());
        }
        Err(Error::Late { until: until.to_owned(), seconds: PATIENCE.as_secs(), log: tail(&self.log(), 0) })
    }
}

/// Runs a program and fails if it fails.
fn finish(name: &str, command: &mut Command, log: &Path) -> Result<(), Error> {
    let output = run(name, command)?;
    if output.status.success() { Ok(()) } else { Err(failed(name, &output, log)) }
}

fn run(name: &str, command: &mut Command) -> Result<Output, Error> {
    command.output().map_err(Error::system(format!("running {name}")))
}

fn failed(name: &str, output: &Output, log: &Path) -> Error {
    let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
    Error::Failed { program: name.to_owned(), said, log: tail(log, 0) }
}

/// The end of a log, with a heading; nothing if there is none. What stands before byte `from` is of an earlier run.
fn tail(log: &Path, from: u64) -> String {
    let read = || -> io::Result<Vec<u8>> {
        let mut file = fs::File::open(log)?;
        let end = file.metadata()?.len();
        file.seek(SeekFrom::Start(from.max(end.saturating_sub(TAIL))))?;
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    let bytes = read().unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    if text.trim().is_empty() { String::new() } else { format!("\nthe server's log ends:\n{}", text.trim()) }
}

pub(crate) fn append(file: &Path, text: &str) -> Result<(), Error> {
    fs::OpenOptions::new()
        .append(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .map_err(Error::system(format!("writing {}", file.display())))
}

/// A port that nobody listens on, below those that the system gives to outgoing connections: a client that
/// connects again and again while the server is down must not be given the server's own port.
fn free_port() -> Result<u16, Error> {
    const FIRST: u16 = 10_240;
    const COUNT: u16 = 22_528;
    for attempt in 0..1_000_u32 {
        let random = RandomState::new().hash_one(attempt) % u64::from(COUNT);
        let port = FIRST + u16::try_from(random).unwrap_or_default();
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return Ok(port);
        }
    }
    Err(Error::Unfit { what: "no free port was found on 127.0.0.1 between 10240 and 32767".to_owned() })
}

/// RFC 3986, section 2.1: everything but unreserved characters as `%` and two hexadecimal digits.
fn percent_encoded(text: &str) -> String {
    let encoded = |byte: u8| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            char::from(byte).to_string()
        } else {
            format!("%{byte:02X}")
        }
    };
    text.bytes().map(encoded).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_a_log_is_cut_to_what_is_new() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("log");
        assert_eq!(tail(&log, 0), "");
        fs::write(&log, "old\nnew\n").unwrap();
        assert_eq!(tail(&log, 4), "\nthe server's log ends:\nnew");
        fs::write(&log, "x".repeat(5_000)).unwrap();
        assert_eq!(tail(&log, 4).matches('x').count(), 2_000);
    }

    #[test]
    fn a_path_is_encoded_for_a_url() {
        assert_eq!(percent_encoded("/tmp/a b&c=ä_1"), "%2Ftmp%2Fa%20b%26c%3D%C3%A4_1");
    }

    #[test]
    fn a_free_port_can_be_listened_on() {
        let port = free_port().unwrap();
        assert!((10_240..32_768).contains(&port));
        TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
