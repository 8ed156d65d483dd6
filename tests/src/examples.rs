//! The example programs, built and run as a user would run them.

use std::fs;
use std::io::{Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Condvar, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use crate::repo;

/// How long a program may take to get somewhere; far more than a slow machine needs.
const PATIENCE: Duration = Duration::from_mins(2);

/// The path of the example called `name`. All examples are built when first asked for.
///
/// # Panics
/// If they do not build, or there is none of that name.
#[must_use]
pub fn binary(name: &str) -> PathBuf {
    static FOLDER: OnceLock<PathBuf> = OnceLock::new();
    let path = FOLDER.get_or_init(build).join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
    assert!(path.is_file(), "there is no example {}", path.display());
    path
}

/// Builds what is not built yet, and says where it lies.
fn build() -> PathBuf {
    // This program is target/PROFILE/deps/NAME.
    let program = std::env::current_exe().expect("the path of this program");
    let profile_folder = program.ancestors().nth(2).expect("a profile's folder").to_owned();
    let profile = match profile_folder.file_name().and_then(|name| name.to_str()) {
        None | Some("debug") => "dev",
        Some(name) => name,
    };
    // The selection of `tests/run`: with another one cargo would unify features differently and build everything again.
    let output = Command::new(env!("CARGO"))
        .args(["build", "--workspace", "--all-features", "--examples", "--locked", "--profile", profile])
        .current_dir(repo::root())
        .output()
        .expect("cargo starts");
    assert!(output.status.success(), "cargo build --examples: {}", String::from_utf8_lossy(&output.stderr));
    profile_folder.join("examples")
}

/// The names of all examples.
///
/// # Panics
/// If their folder cannot be read.
#[must_use]
pub fn names() -> Vec<String> {
    let folder = fs::read_dir(repo::root().join("examples/examples")).expect("the folder of the examples");
    let mut names: Vec<String> = folder
        .map(|entry| entry.expect("an entry of a readable folder").path())
        .map(|path| path.file_stem().unwrap_or_default().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

/// What a program did that has ended.
#[derive(Debug)]
pub struct Ended {
    /// How it ended.
    pub status: ExitStatus,
    /// What it wrote to standard output.
    pub stdout: String,
    /// What it wrote to standard error.
    pub stderr: String,
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        Self { status: output.status, stdout: text(&output.stdout), stderr: text(&output.stderr) }
    }
}

/// Runs an example with these lines on its standard input, which then ends.
///
/// # Panics
/// If it cannot be started, or does not end.
#[must_use]
pub fn run(name: &str, answers: &[&str]) -> Ended {
    Running::start(name, &[]).answered(answers)
}

/// The same on the store at `url`.
///
/// # Panics
/// If it cannot be started, or does not end.
#[must_use]
pub fn run_on(url: &str, name: &str, answers: &[&str]) -> Ended {
    Running::start_on(Some(url), name, &[]).answered(answers)
}

/// A program that runs.
#[derive(Debug)]
pub struct Running {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Arc<Heard>,
    stderr: Arc<Heard>,
    readers: Vec<thread::JoinHandle<()>>,
}

/// What was read from a pipe so far.
#[derive(Debug, Default)]
struct Heard {
    text: Mutex<String>,
    more: Condvar,
}

impl Heard {
    fn text(&self) -> String {
        self.text.lock().expect("no reader panics").clone()
    }

    /// Waits until it holds `text` at least `times` times, and gives back all of it.
    fn wait_for(&self, text: &str, times: usize) -> String {
        let mut heard = self.text.lock().expect("no reader panics");
        #[expect(clippy::disallowed_methods, reason = "a deadline for another process")]
        let deadline = Instant::now() + PATIENCE;
        while heard.matches(text).count() < times {
            #[expect(clippy::disallowed_methods, reason = "a deadline for another process")]
            let left = deadline.saturating_duration_since(Instant::now());
            assert!(!left.is_zero(), "{text:?} does not come; so far:\n{heard}");
            heard = self.more.wait_timeout(heard, left).expect("no reader panics").0;
        }
        heard.clone()
    }
}

impl Running {
    /// Starts an example with these arguments.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start(name: &str, arguments: &[&str]) -> Self {
        Self::start_on(None, name, arguments)
    }

    /// The same on the store at `url`, or on the one that the example takes by itself.
    ///
    /// # Panics
    /// If it cannot be started.
    #[must_use]
    pub fn start_on(url: Option<&str>, name: &str, arguments: &[&str]) -> Self {
        let mut child = Command::new(binary(name))
            .args(arguments)
            // Empty counts as not set; whoever runs the tests may have set it.
            .env("APPROVALS_STORE", url.unwrap_or_default())
            .current_dir(repo::root())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the example starts");
        let (stdout, stderr) = (Arc::default(), Arc::default());
        let readers = vec![
            listen(child.stdout.take().expect("a pipe"), &stdout),
            listen(child.stderr.take().expect("a pipe"), &stderr),
        ];
        Self { stdin: child.stdin.take(), child, stdout, stderr, readers }
    }

    /// Hands in these lines, lets the input end, and waits until it has ended.
    fn answered(mut self, answers: &[&str]) -> Ended {
        for answer in answers {
            self.type_line(answer);
        }
        self.close_input();
        self.end()
    }

    /// Hands in a line.
    ///
    /// # Panics
    /// If the input is closed.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("the input is open");
        // A program that has ended takes no more lines; how it ended is what the test looks at.
        let _taken = writeln!(stdin, "{line}");
    }

    /// Lets the input end.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Waits until standard error holds `text` at least `times` times, and gives back all of it.
    ///
    /// # Panics
    /// If it does not come.
    #[must_use]
    pub fn wait_for(&self, text: &str, times: usize) -> String {
        self.stderr.wait_for(text, times)
    }

    /// Waits until standard output holds `text` at least `times` times, and gives back all of it.
    ///
    /// # Panics
    /// If it does not come.
    pub fn wait_for_output(&self, text: &str, times: usize) -> String {
        self.stdout.wait_for(text, times)
    }

    /// Kills it: SIGKILL on Unix.
    ///
    /// # Panics
    /// If it cannot be killed.
    #[must_use]
    pub fn kill(mut self) -> Ended {
        self.child.kill().expect("it can be killed");
        self.end()
    }

    /// Sends it a signal by name, such as `INT`.
    ///
    /// # Panics
    /// If there is no command `kill`.
    pub fn signal(&self, name: &str) {
        let status = Command::new("kill").args(["-s", name, &self.child.id().to_string()]).status();
        assert!(status.expect("the command kill").success(), "kill -s {name}");
    }

    /// Waits until it has ended. Its input stays as it is: close it first, unless it should end by itself.
    ///
    /// # Panics
    /// If it does not end.
    #[must_use]
    pub fn end(mut self) -> Ended {
        let (id, patience) = (self.child.id(), PATIENCE);
        let ended = Arc::new((Mutex::new(false), Condvar::new()));
        let watched = Arc::clone(&ended);
        // Kills it if it hangs, so that the test ends too.
        let watchdog = thread::spawn(move || {
            let guard = watched.0.lock().expect("nobody panics with it");
            let wait = watched.1.wait_timeout_while(guard, patience, |ended| !*ended);
            let hangs = wait.expect("nobody panics with it").1.timed_out();
            if hangs {
                let _killed = Command::new("kill").args(["-9", &id.to_string()]).status();
            }
            hangs
        });
        let status = self.child.wait().expect("it was started here");
        *ended.0.lock().expect("nobody panics with it") = true;
        ended.1.notify_all();
        for reader in self.readers.drain(..) {
            reader.join().expect("a reader does not panic");
        }
        let (stdout, stderr) = (self.stdout.text(), self.stderr.text());
        let hangs = watchdog.join().expect("the watchdog does not panic");
        assert!(!hangs, "it hangs; standard output:\n{stdout}\nstandard error:\n{stderr}");
        Ended { status, stdout, stderr }
    }
}

fn listen(mut pipe: impl Read + Send + 'static, heard: &Arc<Heard>) -> thread::JoinHandle<()> {
    let heard = Arc::clone(heard);
    thread::spawn(move || {
        let (mut bytes, mut rest) = ([0; 4096], Vec::new());
        while let Ok(count @ 1..) = pipe.read(&mut bytes) {
            rest.extend_from_slice(&bytes[..count]);
            // A character may be cut by the end of the buffer.
            let whole = match std::str::from_utf8(&rest) {
                Ok(_) => rest.len(),
                Err(error) => error.valid_up_to(),
            };
            let text: Vec<u8> = rest.drain(..whole).collect();
            heard.text.lock().expect("nobody panics with it").push_str(&String::from_utf8_lossy(&text));
            heard.more.notify_all();
        }
    })
}
