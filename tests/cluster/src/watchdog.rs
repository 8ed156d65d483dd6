//! Nothing of a cluster outlives the process that started it.

use std::io::{self, Read};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::Error;

/// A shell whose standard input is a pipe from this process. When the pipe closes, because the watchdog is
/// dropped or because this process has ended, be it by SIGKILL, the shell stops the servers and removes the
/// directories. It made them too, so there is no moment at which nobody would remove them.
#[derive(Debug)]
pub(crate) struct Watchdog {
    shell: Child,
    home: PathBuf,
    data: PathBuf,
}

impl Watchdog {
    /// Makes a home for sockets in `home_below`, and a place for data directories in `data_below` or else at
    /// home, and watches over the servers there.
    pub(crate) fn start(home_below: &Path, data_below: Option<&Path>) -> Result<Self, Error> {
        let in_vain = || Error::system("starting the watchdog");
        let shell = Command::new("/bin/sh")
            .args(["-c", include_str!("watchdog.sh"), "watchdog"])
            .args([home_below, data_below.unwrap_or(Path::new(""))])
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            // An interrupt from the keyboard ends the tests; this must outlive them.
            .process_group(0)
            .spawn()
            .map_err(in_vain())?;
        let mut watchdog = Self { shell, home: PathBuf::new(), data: PathBuf::new() };
        let (said, complaint) = watchdog.hear().map_err(in_vain())?;
        let [home, data] = said.lines().collect::<Vec<_>>()[..] else {
            let what = format!("no directory could be made for a cluster: {}", complaint.trim());
            return Err(Error::Unfit { what });
        };
        (watchdog.home, watchdog.data) = (home.into(), data.into());
        Ok(watchdog)
    }

    /// What the shell writes until it closes its outputs, which it does once the directories are there.
    fn hear(&mut self) -> io::Result<(String, String)> {
        let (mut said, mut complaint) = (String::new(), String::new());
        if let Some(mut output) = self.shell.stdout.take() {
            output.read_to_string(&mut said)?;
        }
        if let Some(mut output) = self.shell.stderr.take() {
            output.read_to_string(&mut complaint)?;
        }
        Ok((said, complaint))
    }

    /// Where sockets are: a short path, for that of a Unix socket has at most 107 bytes.
    pub(crate) fn home(&self) -> &Path {
        &self.home
    }

    /// What data directories lie in.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // Nobody is there to be told.
        self.shell.wait().ok();
    }
}
