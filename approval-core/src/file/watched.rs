//! A file that is read again when it has changed.

use std::{
    fmt,
    path::{Path, PathBuf},
    sync::{Arc, Weak},
};

use async_trait::async_trait;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

use super::{ApprovalsFile, FileError, people::PeopleOf, read, reload};
use crate::{
    checked_file::FileChecks,
    clock::{Clock, Span, Timestamp},
    model::{Limit, Reload, Source, SourceKind, address::shown_path},
    policy::{AskAlways, Call, Policy, PolicyError, ReloadListener, ReloadListeners, Ruling},
    sync::{Mutex, lock},
};

/// How often the file is looked at.
const EVERY: Span = Span::from_secs(1);

/// An `approvals.yaml` that may change while it is used. As a [`Policy`] it says what the file says at the moment; without a
/// section `policy`, every call is asked about. As a [`Directory`](crate::directory::Directory) it knows the people of the
/// section `directory`; without one, every `user:` is taken at its word.
///
/// A file that cannot be read, or has mistakes, changes nothing: the last good one goes on to hold. That is reported by
/// `tracing`, once for each new problem, and by [`status`](Self::status).
///
/// Nor does a file count that loosens by leaving out: one that no longer mentions a section, the limits, every rule that
/// denies, or another key of `policy` by which calls were asked, denied or limited, or by which times were shorter; nor one that no
/// longer mentions a group, role or rotation, working hours, holidays or a zone, or a name of a person who is still listed. It
/// counts once it states that: `directory: none`, `policy: none`, `limits: []`, `rules: []`, `deny: none`, `hours: none`,
/// `retired: [user:old@example.com]`, and so on; [`FileError::LeavesOut`] names each. A process that starts takes the file as it is.
///
/// ```no_run
/// use std::sync::Arc;
/// use approval_core::{ApprovalManager, SystemClock, file::WatchedFile};
///
/// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
/// let clock = Arc::new(SystemClock);
/// let file = WatchedFile::load("approvals.yaml", &*clock)?;
/// tokio::spawn(file.watch(clock));
/// let approvals = ApprovalManager::builder().policy(file.clone()).directory(file.clone()).unattended().build()?;
/// # drop(approvals);
/// # Ok(()) }
/// ```
#[derive(Clone, Debug)]
pub struct WatchedFile(Arc<Inner>);

struct Inner {
    path: PathBuf,
    checks: FileChecks,
    good: watch::Sender<Good>,
    seen: Mutex<Seen>,
    /// Listeners for changed rules, and for changed people.
    of_rules: ReloadListeners,
    of_people: ReloadListeners,
}

impl fmt::Debug for Inner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner")
            .field("path", &shown_path(&self.path))
            .field("good", &*self.good.borrow())
            .field("seen", &self.seen)
            .finish_non_exhaustive()
    }
}

/// The last good state.
#[derive(Clone, Debug)]
struct Good {
    file: Arc<ApprovalsFile>,
    people: PeopleOf,
    content: [u8; 32],
    since: Timestamp,
}

/// What the last looks found.
#[derive(Debug, Default)]
struct Seen {
    /// New content that was there once. It counts when it is there again: a file may be caught half written.
    settling: Option<[u8; 32]>,
    problem: Option<(Timestamp, String)>,
}

/// How it stands with a file.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct FileStatus {
    /// Since when the rules hold that hold now.
    pub since: Timestamp,
    /// Since when the file cannot be used, and why; then an older state of it holds.
    pub problem: Option<(Timestamp, String)>,
}

impl WatchedFile {
    /// Reads and checks a file. It is read again by [`watch`](Self::watch) and [`reload`](Self::reload). One that every user of
    /// the machine may write, and whatever is not a regular file, is refused ([`checked_file`](crate::checked_file)), each
    /// time that it is read; a symbolic link is followed.
    ///
    /// # Errors
    /// When it cannot be read, or all that is wrong with it.
    pub fn load(path: impl AsRef<Path>, clock: &dyn Clock) -> Result<Self, FileError> {
        Self::load_checked(path, clock, FileChecks::new())
    }

    /// Like [`load`](Self::load), where `checks` says what is accepted of the file although it is not safe.
    ///
    /// # Errors
    /// As [`load`](Self::load).
    pub fn load_checked(
        path: impl AsRef<Path>,
        clock: &dyn Clock,
        checks: FileChecks,
    ) -> Result<Self, FileError> {
        let path = path.as_ref().to_owned();
        let good = parse(&path, &content(&path, checks)?, clock.now())?;
        let inner = Inner {
            path,
            checks,
            good: watch::Sender::new(good),
            seen: Mutex::default(),
            of_rules: ReloadListeners::default(),
            of_people: ReloadListeners::default(),
        };
        Ok(Self(Arc::new(inner)))
    }

    /// What the file says, as long as it was good when it was last read.
    #[must_use]
    pub fn current(&self) -> Arc<ApprovalsFile> {
        Arc::clone(&self.0.good.borrow().file)
    }

    /// Calls back with each new state of the file, for what else depends on it, such as a directory. Not with the present one.
    pub fn on_change<F>(&self, tell: F) -> impl Future<Output = ()> + Send + use<F>
    where
        F: Fn(&ApprovalsFile) + Send + 'static,
    {
        let mut states = self.0.good.subscribe();
        async move {
            while states.changed().await.is_ok() {
                let file = Arc::clone(&states.borrow_and_update().file);
                tell(&file);
            }
        }
    }

    /// Whom it lists.
    pub(super) fn people_now(&self) -> PeopleOf {
        self.0.good.borrow().people.clone()
    }

    /// Tells of other people from now on.
    pub(super) fn tell_of_people(&self, listener: Weak<dyn ReloadListener>) {
        self.0.of_people.add(listener);
    }

    /// How it stands.
    #[must_use]
    pub fn status(&self) -> FileStatus {
        let since = self.0.good.borrow().since;
        FileStatus { since, problem: lock(&self.0.seen).problem.clone() }
    }

    /// Reads the file now. Answers whether it had changed.
    ///
    /// # Errors
    /// When it cannot be read, or all that is wrong with it; the last good state holds on.
    pub fn reload(&self, clock: &dyn Clock) -> Result<bool, FileError> {
        self.0.look(clock.now(), true)
    }

    /// Looks at the file every second, until no handle to this file is left. New content counts when it was the same twice,
    /// so that a file that is being written is not taken for its beginning: two seconds after it was written at the latest.
    pub fn watch(&self, clock: Arc<dyn Clock>) -> impl Future<Output = ()> + Send + use<> {
        let file = Arc::downgrade(&self.0);
        async move {
            loop {
                let next = clock.now().saturating_add(EVERY);
                let Ok(next) = next else { return };
                clock.sleep_until(next).await;
                let Some(file) = Weak::upgrade(&file) else { return };
                let now = clock.now();
                // It may lie on a slow disk. What goes wrong has been reported by `look`.
                drop(tokio::task::spawn_blocking(move || drop(file.look(now, false))).await);
            }
        }
    }
}

impl Inner {
    /// Reads the file, and takes over what it says. Answers whether that is new.
    fn look(&self, now: Timestamp, at_once: bool) -> Result<bool, FileError> {
        let looked = self.changed(now, at_once);
        let mut seen = lock(&self.seen);
        match looked {
            Ok(None) => {
                if seen.settling.is_none() && seen.problem.take().is_some() {
                    tracing::info!(file = %shown_path(&self.path), "the file is good again");
                }
                Ok(false)
            }
            Ok(Some(good)) => {
                let rules = good.file.policy.as_ref().map_or(0, crate::policy::Rules::count);
                tracing::info!(file = %shown_path(&self.path), rules, "the file has changed, and holds now");
                seen.problem = None;
                drop(seen);
                let after = Arc::clone(&good.file);
                let before = self.good.send_replace(good).file;
                self.tell(&before, &after);
                Ok(true)
            }
            Err(error) => {
                let told = error.to_string();
                if seen.problem.as_ref().is_none_or(|(_, before)| *before != told) {
                    tracing::error!(file = %shown_path(&self.path), error = %told,
                        "THE FILE CANNOT BE USED: what it said before holds on");
                    seen.problem = Some((now, told));
                }
                Err(error)
            }
        }
    }

    /// Tells those who listen which texts are other ones.
    fn tell(&self, before: &ApprovalsFile, after: &ApprovalsFile) {
        if let Some(reload) = Reload::between(SourceKind::Policy, before.rules_source(), after.rules_source())
        {
            self.of_rules.tell(&reload);
        }
        let (from, to) = (before.people_source(), after.people_source());
        if let Some(reload) = Reload::between(SourceKind::Directory, from, to) {
            self.of_people.tell(&reload);
        }
    }

    /// The new state, if there is one.
    fn changed(&self, now: Timestamp, at_once: bool) -> Result<Option<Good>, FileError> {
        let bytes = content(&self.path, self.checks)?;
        let found = hash(&bytes);
        if found == self.good.borrow().content {
            lock(&self.seen).settling = None;
            return Ok(None);
        }
        if !at_once && lock(&self.seen).settling.replace(found) != Some(found) {
            return Ok(None);
        }
        lock(&self.seen).settling = None;
        let good = parse(&self.path, &bytes, now)?;
        let missing = reload::left_out(&self.good.borrow().file, &good.file);
        if missing.is_empty() {
            return Ok(Some(good));
        }
        Err(FileError::LeavesOut { path: self.path.clone(), missing })
    }
}

fn content(path: &Path, checks: FileChecks) -> Result<Vec<u8>, FileError> {
    read(path, checks).map_err(|source| FileError::Unreadable { path: path.to_owned(), source })
}

fn parse(path: &Path, bytes: &[u8], since: Timestamp) -> Result<Good, FileError> {
    let file = ApprovalsFile::parse_bytes(&shown_path(path), bytes)?;
    let people = PeopleOf::new(&file);
    Ok(Good { file: Arc::new(file), people, content: hash(bytes), since })
}

fn hash(bytes: &[u8]) -> [u8; 32] {
    Sha256::digest(bytes).into()
}

#[async_trait]
impl Policy for WatchedFile {
    async fn rule(&self, call: &Call<'_>) -> Result<Ruling, PolicyError> {
        let file = self.current();
        match &file.policy {
            Some(rules) => rules.rule(call).await,
            None => AskAlways.rule(call).await,
        }
    }

    fn limits(&self) -> Arc<[Arc<Limit>]> {
        self.current().policy.as_ref().map_or_else(Arc::default, Policy::limits)
    }

    fn source(&self) -> Option<Arc<Source>> {
        self.current().rules_source()
    }

    fn subscribe(&self, listener: Weak<dyn ReloadListener>) {
        self.0.of_rules.add(listener);
    }
}

#[cfg(test)]
mod tests {
    use std::{
        fs,
        sync::atomic::{AtomicU64, Ordering},
    };

    use super::*;
    use crate::{SystemClock, policy::SampleCall};

    static COUNT: AtomicU64 = AtomicU64::new(0);

    /// A file of its own, removed afterwards.
    struct Scratch(PathBuf);

    impl Scratch {
        fn new(outcome: &str) -> Self {
            let number = COUNT.fetch_add(1, Ordering::Relaxed);
            let scratch = Self(
                std::env::temp_dir().join(format!("approvals-watched-{}-{number}.yaml", std::process::id())),
            );
            scratch.say(outcome);
            scratch
        }

        fn say(&self, outcome: &str) {
            fs::write(&self.0, format!("policy: {{defaults: {{outcome: {outcome}}}}}\n")).unwrap();
        }
    }

    impl Drop for Scratch {
        fn drop(&mut self) {
            drop(fs::remove_file(&self.0));
        }
    }

    async fn outcome(file: &WatchedFile) -> &'static str {
        let arguments = crate::model::canonical::parse_canonical("{}").unwrap();
        let sample = SampleCall::new("a.b".parse().unwrap(), arguments, Timestamp::UNIX_EPOCH);
        match file.rule(&sample.call()).await.unwrap() {
            Ruling::Allow { .. } => "allow",
            Ruling::Notify { .. } => "notify",
            Ruling::Ask { .. } => "ask",
            Ruling::Deny { .. } => "deny",
        }
    }

    #[tokio::test]
    async fn a_change_counts_when_it_was_there_twice_and_at_once_when_told_to() {
        let scratch = Scratch::new("allow");
        let file = WatchedFile::load(&scratch.0, &SystemClock).unwrap();
        let now = Timestamp::UNIX_EPOCH;
        assert!(!file.0.look(now, false).unwrap());
        scratch.say("deny");
        assert!(!file.0.look(now, false).unwrap());
        assert_eq!(outcome(&file).await, "allow");
        assert!(file.0.look(now, false).unwrap());
        assert_eq!(outcome(&file).await, "deny");
        assert_eq!(file.status(), FileStatus { since: now, problem: None });
        // A file that goes on to change is not caught in between.
        for word in ["allow", "ask", "allow", "ask"] {
            scratch.say(word);
            assert!(!file.0.look(now, false).unwrap());
        }
        assert_eq!(outcome(&file).await, "deny");
        assert!(file.reload(&SystemClock).unwrap());
        assert_eq!(outcome(&file).await, "ask");
        assert!(!file.reload(&SystemClock).unwrap());
    }

    #[tokio::test]
    async fn a_broken_file_keeps_the_last_good_one_and_says_so() {
        let scratch = Scratch::new("allow");
        let file = WatchedFile::load(&scratch.0, &SystemClock).unwrap();
        let broken = Timestamp::from_second(60).unwrap();
        for text in ["policy: {defaults: {outcome: alow}}\n", "\u{0}", "", "policy: [\n"] {
            fs::write(&scratch.0, text).unwrap();
            assert!(!file.0.look(broken, false).unwrap());
            assert!(file.0.look(broken, false).is_err(), "{text:?}");
            assert_eq!(outcome(&file).await, "allow");
            assert_eq!(file.status().problem.map(|(since, _)| since), Some(broken));
        }
        fs::remove_file(&scratch.0).unwrap();
        assert!(file.0.look(broken, false).is_err());
        assert!(file.status().problem.unwrap().1.contains("cannot be read"));
        assert_eq!(outcome(&file).await, "allow");
        scratch.say("allow");
        assert!(!file.reload(&SystemClock).unwrap());
        assert_eq!(file.status().problem, None);
        assert!(WatchedFile::load("/nowhere/approvals.yaml", &SystemClock).is_err());
    }

    #[tokio::test]
    async fn a_file_that_leaves_out_what_restricts_keeps_the_last_good_one() {
        let scratch = Scratch::new("allow");
        let write = |text: &str| fs::write(&scratch.0, text).unwrap();
        write("policy:\n  rules: [{name: no, action: a.b, deny: never}]\n  defaults: {outcome: allow}\n");
        let file = WatchedFile::load(&scratch.0, &SystemClock).unwrap();
        let late = Timestamp::from_second(60).unwrap();
        for text in ["policy: {rules: [], defaults: {outcome: allow}}\n", "directory: {people: {}}\n"] {
            write(text);
            assert!(!file.0.look(late, false).unwrap());
            let refused = file.0.look(late, false).unwrap_err();
            assert!(matches!(refused, FileError::LeavesOut { .. }), "{refused}");
            assert_eq!(outcome(&file).await, "deny", "{text}");
            let (since, why) = file.status().problem.unwrap();
            assert!(since == late && why.contains("leaves out"), "{why}");
            assert!(file.reload(&SystemClock).is_err(), "nor at once");
        }
        write("policy: {deny: none, rules: [], defaults: {outcome: allow}}\n");
        assert!(file.reload(&SystemClock).unwrap());
        assert_eq!((outcome(&file).await, file.status().problem), ("allow", None));
    }

    #[tokio::test(start_paused = true)]
    async fn a_watched_file_is_noticed_and_its_watcher_ends_with_it() {
        let scratch = Scratch::new("allow");
        let file = WatchedFile::load(&scratch.0, &SystemClock).unwrap();
        let (told, mut tell) = tokio::sync::mpsc::unbounded_channel();
        let listener =
            tokio::spawn(file.on_change(move |file| assert!(told.send(file.policy.is_some()).is_ok())));
        let watcher = tokio::spawn(file.watch(Arc::new(SystemClock)));
        scratch.say("deny");
        assert_eq!(tell.recv().await, Some(true));
        assert_eq!(outcome(&file).await, "deny");
        drop(file);
        watcher.await.unwrap();
        listener.await.unwrap();
    }

    #[tokio::test]
    async fn without_rules_everything_is_asked() {
        let scratch = Scratch::new("allow");
        fs::write(&scratch.0, "server: {}\n").unwrap();
        let file = WatchedFile::load(&scratch.0, &SystemClock).unwrap();
        assert_eq!(outcome(&file).await, "ask");
    }
}
