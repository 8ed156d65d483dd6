//! Debian's PostgreSQL: where its programs are, as whom they run, and how they come onto a machine.

use std::ffi::OsStr;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::{fs, io};

use crate::Error;

/// Where Debian puts each version: `15/bin/initdb`.
const VERSIONS: &str = "/usr/lib/postgresql";

/// The oldest version that is supported.
const OLDEST: u32 = 15;

/// Read by Debian's package when it is installed: no server of the machine's own is to be started for our sake.
const CREATE_CLUSTER: &str = "/etc/postgresql-common/createcluster.conf";

/// PostgreSQL as it is installed.
#[derive(Debug, Clone)]
pub(crate) struct Installation {
    programs: PathBuf,
    /// User and group for the server, which refuses to run as root.
    user: Option<(u32, u32)>,
}

impl Installation {
    /// The newest version on this machine; installs it first if there is none.
    pub(crate) fn find() -> Result<Self, Error> {
        static INSTALLING: Mutex<()> = Mutex::new(());
        // Whoever installed before and panicked has left nothing that this depends on.
        let _one = INSTALLING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let versions = Path::new(VERSIONS);
        if newest(versions).is_none() {
            install()?;
        }
        let programs = newest(versions).ok_or_else(|| Error::Missing {
            why: "apt-get installed `postgresql`, but no version that is new enough".to_owned(),
        })?;
        let user = if is_root() { Some(postgres_user()?) } else { None };
        Ok(Self { programs, user })
    }

    /// A program that works on the data directory `data`, run as the server's user.
    pub(crate) fn server_program(&self, name: &str, data: &Path) -> Command {
        let mut command = self.client_program(name);
        // There the watchdog finds it, should this process end while the program is at work.
        command.current_dir(data.parent().unwrap_or(data));
        if let Some((user, group)) = self.user {
            command.uid(user).gid(group);
        }
        command
    }

    /// A program that connects to a server and no more, run as the user of the tests.
    pub(crate) fn client_program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        // No setting of the user (PGHOST, PGOPTIONS, LANG, ..) may change what a test sees.
        command
            .env_clear()
            .env("PATH", "/usr/bin:/bin")
            .env("LC_ALL", "C.UTF-8")
            .env("PGCONNECT_TIMEOUT", "10");
        command.current_dir("/").stdin(Stdio::null());
        command
    }

    /// Gives a file or folder to the server's user.
    pub(crate) fn hand_over(&self, path: &Path) -> Result<(), Error> {
        let Some((user, group)) = self.user else { return Ok(()) };
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .map_err(Error::system(format!("giving {} to user postgres", path.display())))
    }
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The folder of programs of the newest version below `versions` that has an `initdb`.
fn newest(versions: &Path) -> Option<PathBuf> {
    let version = |name: &OsStr| name.to_str()?.parse::<u32>().ok().filter(|version| *version >= OLDEST);
    let (_, programs) = fs::read_dir(versions)
        .ok()?
        .flatten()
        .filter_map(|entry| Some((version(&entry.file_name())?, entry.path().join("bin"))))
        .filter(|(_, programs)| programs.join("initdb").is_file())
        .max_by_key(|(version, _)| *version)?;
    Some(programs)
}

fn install() -> Result<(), Error> {
    let missing = |why: String| Error::Missing { why };
    let as_root: &[&str] = if is_root() { &[] } else { &["sudo", "-n"] };
    if !Path::new(CREATE_CLUSTER).exists() {
        let write =
            format!("mkdir -p /etc/postgresql-common && echo create_main_cluster = false >{CREATE_CLUSTER}");
        run(as_root, &["sh", "-c", &write]).map_err(missing)?;
    }
    // Another test process may be installing at this moment.
    let apt = ["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-o", "DPkg::Lock::Timeout=300"];
    run(as_root, &[&apt[..], &["update"]].concat()).map_err(missing)?;
    run(as_root, &[&apt[..], &["install", "-y", "--no-install-recommends", "postgresql"]].concat())
        .map_err(missing)
}

/// Runs a command; tells in a sentence why it failed.
fn run(as_root: &[&str], command: &[&str]) -> Result<(), String> {
    let words = [as_root, command].concat();
    let Some((program, arguments)) = words.split_first() else { return Ok(()) };
    let line = words.join(" ");
    match Command::new(program).args(arguments).stdin(Stdio::null()).output() {
        Ok(output) if output.status.success() => Ok(()),
        Ok(output) => Err(format!("`{line}`: {}", String::from_utf8_lossy(&output.stderr).trim())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Err(format!("there is no `{program}`")),
        Err(error) => Err(format!("`{line}`: {error}")),
    }
}

fn postgres_user() -> Result<(u32, u32), Error> {
    const USERS: &str = "/etc/passwd";
    let users = fs::read_to_string(USERS).map_err(Error::system(format!("reading {USERS}")))?;
    user_in(&users, "postgres").ok_or_else(|| Error::Unfit {
        what: format!(
            "the server does not run as root, and {USERS} has no user `postgres`; add it, or run the tests as \
             another user"
        ),
    })
}

/// User and group id of `name` in the text of a passwd file.
fn user_in(users: &str, name: &str) -> Option<(u32, u32)> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let ours = fields.next() == Some(name);
        let mut ids = fields.skip(1).map_while(|field| field.parse().ok());
        ours.then(|| Some((ids.next()?, ids.next()?))).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_newest_complete_version_is_taken() {
        let folder = tempfile::tempdir().unwrap();
        let add = |version: &str, program: &str| {
            let programs = folder.path().join(version).join("bin");
            fs::create_dir_all(&programs).unwrap();
            fs::write(programs.join(program), "").unwrap();
        };
        assert_eq!(newest(folder.path()), None);
        add("14", "initdb");
        assert_eq!(newest(folder.path()), None, "too old");
        add("15", "initdb");
        add("9", "initdb");
        add("100", "psql");
        add("debug", "initdb");
        assert_eq!(newest(folder.path()), Some(folder.path().join("15/bin")));
        add("101", "initdb");
        assert_eq!(newest(folder.path()), Some(folder.path().join("101/bin")));
    }

    #[test]
    fn a_user_is_found_by_its_whole_name() {
        let users = "root:x:0:0:root:/root:/bin/sh\npostgres2:x:5:6::/:/bin/sh\npostgres:x:101:104:a,b:/var:/bin/sh\n";
        assert_eq!(user_in(users, "postgres"), Some((101, 104)));
        assert_eq!(user_in(users, "nobody"), None);
        assert_eq!(user_in("postgres:x:oops:104::/:/bin/sh", "postgres"), None);
    }

    #[test]
    fn a_failed_command_is_told() {
        assert_eq!(run(&[], &["true"]), Ok(()));
        assert_eq!(run(&[], &["sh", "-c", "echo no such luck >&2; exit 3"]).unwrap_err().lines().count(), 1);
        assert_eq!(run(&["no-such-program"], &["true"]), Err("there is no `no-such-program`".to_owned()));
    }
}
