//! This test binary started again, with its standard input and error on a pipe or on a pseudo terminal.

use std::fs::File;
use std::io::{Read, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::{Mode, OFlags, open};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

/// Names the people whom the child's terminal acts as; set in the child alone.
pub(crate) const CHILD: &str = "APPROVALS_TERMINAL_CHILD";

/// Longer than a child takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_mins(1);

/// A child that ended.
#[derive(Debug)]
pub(crate) struct Child {
    pub(crate) success: bool,
    pub(crate) stdout: String,
    /// For a child on a terminal: all that was on its screen.
    pub(crate) stderr: String,
}

/// A child with a person at its terminal.
pub(crate) struct Typist {
    child: std::process::Child,
    terminal: File,
    screen: Vec<u8>,
    read: usize,
}

fn command(people: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--exact", "child", "--nocapture"]).env(CHILD, people);
    for variable in ["NO_COLOR", "RUST_BACKTRACE"] {
        command.env_remove(variable);
    }
    command.env("TERM", "xterm").stdout(Stdio::piped());
    command
}

impl Child {
    /// Runs it with this input, and no more.
    pub(crate) fn piped(people: &str, input: &str) -> Self {
        let mut child = command(people).stdin(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        // It may end before it has read everything.
        drop(child.stdin.take().unwrap().write_all(input.as_bytes()));
        let output = child.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        Self { success: output.status.success(), stdout: text(output.stdout), stderr: text(output.stderr) }
    }

    /// Starts it on a pseudo terminal on which this was typed before.
    pub(crate) fn on_terminal(people: &str, typed_ahead: &str, variables: &[(&str, &str)]) -> Typist {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let device: OwnedFd =
            open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        let mut terminal = File::from(keyboard);
        terminal.write_all(typed_ahead.as_bytes()).unwrap();
        let mut typist = Typist {
            child: command(people)
                .envs(variables.iter().copied())
                .stdin(device.try_clone().unwrap())
                .stderr(device.try_clone().unwrap())
                .spawn()
                .unwrap(),
            terminal,
            screen: Vec::new(),
            read: 0,
        };
        // The kernel echoes what it has taken: from then on the child could read it.
        if !typed_ahead.is_empty() {
            typist.until(&typed_ahead.replace('\n', "\r\n"));
        }
        typist
    }
}

impl Typist {
    /// Reads on until the text is on the screen.
    pub(crate) fn until(&mut self, text: &str) {
        loop {
            let unread = String::from_utf8_lossy(&self.screen[self.read..]).into_owned();
            if let Some(at) = unread.find(text) {
                self.read += at + text.len();
                return;
            }
            assert!(self.read_on(), "{text:?} did not appear in {:?}", String::from_utf8_lossy(&self.screen));
        }
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.terminal.write_all(text.as_bytes()).unwrap();
    }

    /// Waits until the child has ended.
    pub(crate) fn finish(mut self) -> Child {
        while self.read_on() {}
        let output = self.child.wait_with_output().unwrap();
        Child {
            success: output.status.success(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8_lossy(&self.screen).into_owned(),
        }
    }

    /// Reads more of the screen; `false` once nobody has the terminal open any more.
    fn read_on(&mut self) -> bool {
        let timeout = Timespec::try_from(PATIENCE).unwrap();
        let ready = poll(&mut [PollFd::new(&self.terminal, PollFlags::IN)], Some(&timeout)).unwrap();
        assert!(
            ready > 0,
            "nothing happens any more; the screen is {:?}",
            String::from_utf8_lossy(&self.screen)
        );
        let mut buffer = [0; 4096];
        // The kernel answers with an I/O error when the other side is closed.
        let count = self.terminal.read(&mut buffer).unwrap_or(0);
        self.screen.extend_from_slice(&buffer[..count]);
        count > 0
    }
}
