//! Nothing of a cluster outlives the process that started it.

use std::io;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A shell whose standard input is a pipe from this process. When the pipe closes, because the watchdog is
/// dropped or because this process has ended, be it by SIGKILL, the shell stops the servers and removes the
/// directories.
#[derive(Debug)]
pub(crate) struct Watchdog(Child);

impl Watchdog {
    /// Watches over servers whose data directories lie in `data`, and removes `home` and `data` in the end.
    pub(crate) fn start(home: &Path, data: &Path) -> io::Result<Self> {
        Command::new("/bin/sh")
            .args(["-c", include_str!("watchdog.sh"), "watchdog"])
            .args([home, data])
            .current_dir("/")
            .stdin(Stdio::piped())
            // An output that stays open would keep whoever reads the output of the tests waiting.
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            // An interrupt from the keyboard ends the tests; this must outlive them.
            .process_group(0)
            .spawn()
            .map(Self)
    }
}

impl Drop for Watchdog {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        // Nobody is there to be told.
        self.0.wait().ok();
    }
}
