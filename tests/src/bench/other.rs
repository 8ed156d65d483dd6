//! A process of its own beside the benchmark: the same program, which is told with `--child` what to do.

use std::{
    io::{BufRead as _, BufReader, Lines, Write as _},
    process::{Child, ChildStdout, Command, Stdio},
    time::Duration,
};

use rustix::time::{ClockId, clock_gettime};

use super::mode;

/// The other process. It is ended when this is dropped.
#[derive(Debug)]
pub struct Other {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Other {
    /// Starts it.
    ///
    /// # Panics
    /// When it does not start.
    #[must_use]
    pub fn start(arguments: &[&str]) -> Self {
        let itself = std::env::current_exe().expect("the path of this program");
        let mut command = Command::new(itself);
        command.arg("--child").args(arguments).stdin(Stdio::piped()).stdout(Stdio::piped());
        if mode::measuring() {
            command.arg("--bench");
        }
        let mut child = command.spawn().expect("a child process");
        let lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        Self { child, lines }
    }

    /// The next line that it says.
    ///
    /// # Panics
    /// When it ends without one.
    pub fn line(&mut self) -> String {
        self.lines.next().expect("it has more to say").expect("a text")
    }

    /// Tells it to go on.
    ///
    /// # Panics
    /// When it has ended.
    pub fn go(&mut self) {
        let mut input = self.child.stdin.as_ref().expect("a pipe");
        input.write_all(b"go\n").expect("it listens");
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        self.child.kill().unwrap_or_default();
        self.child.wait().expect("it has ended");
    }
}

/// In the other process: what it is told to do; `None` in the first one.
#[must_use]
pub fn told() -> Option<Vec<String>> {
    let mut arguments = std::env::args().skip(1);
    (arguments.next()? == "--child").then(|| arguments.filter(|argument| argument != "--bench").collect())
}

/// In the other process: says a line.
///
/// # Panics
/// When nobody listens.
pub fn say(line: &str) {
    let mut output = std::io::stdout().lock();
    writeln!(output, "{line}").expect("somebody listens");
    output.flush().expect("somebody listens");
}

/// In the other process: waits until it is told to go on. Ends the process when nobody is left who could.
///
/// # Panics
/// When the input cannot be read.
pub fn wait() {
    let mut line = String::new();
    let length = std::io::stdin().lock().read_line(&mut line).expect("a text");
    if length == 0 {
        std::process::exit(1);
    }
}

/// The moment, on a clock that all processes of the machine share and nobody sets.
///
/// # Panics
/// Never.
#[must_use]
pub fn moment() -> Duration {
    clock_gettime(ClockId::Monotonic).try_into().expect("after the start of the machine")
}
