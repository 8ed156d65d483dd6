//! A terminal on a pipe, and whoever sits at it.

use std::io::{self, BufReader, PipeWriter, Write};
use std::sync::Arc;
use std::time::Duration;

use approval_channels::terminal::Terminal;
use approval_core::manager::ManagerBuilder;
use approval_core::store::{MemoryStore, Store};
use approval_core::{Action, ApprovalError, ApprovalManager, Principal};
use serde_json::{Value, json};
use tokio::sync::mpsc;
use tokio::time::timeout;

pub(crate) const ANN: &str = "user:ann@example.com";
pub(crate) const BOB: &str = "user:bob@example.com";
pub(crate) const CAT: &str = "user:cat@example.com";

/// Longer than any step takes, even on a busy machine.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) struct Desk {
    keyboard: PipeWriter,
    output: mpsc::UnboundedReceiver<String>,
    seen: String,
    read: usize,
}

struct Printer(mpsc::UnboundedSender<String>);

impl Write for Printer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.send(String::from_utf8(bytes.to_vec()).unwrap()).map_err(|_| io::ErrorKind::BrokenPipe)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

pub(crate) fn principal(text: &str) -> Principal {
    Principal::new(text).unwrap()
}

pub(crate) fn manager(store: MemoryStore, terminal: Terminal) -> ApprovalManager {
    shared(&Arc::new(store), terminal)
}

pub(crate) fn builder(terminal: Terminal) -> ManagerBuilder {
    ApprovalManager::builder().store(MemoryStore::new()).notifier(terminal)
}

pub(crate) fn shared(store: &Arc<MemoryStore>, terminal: Terminal) -> ApprovalManager {
    let store: Arc<dyn Store> = Arc::<MemoryStore>::clone(store);
    ApprovalManager::builder().shared_store(store).notifier(terminal).build().unwrap()
}

/// An action that so many of three people must approve.
pub(crate) fn refund(cents: u32, people: u32) -> Action {
    Action::new("payments.refund")
        .unwrap()
        .describe(|action| {
            action
                .description("Refund {cents} cents")
                .editable("cents", Some(r#"{"type":"integer"}"#))
                .require(people, [ANN, BOB, CAT])
        })
        .unwrap()
        .arguments(&json!({"cents": cents}))
        .unwrap()
}

/// Runs it; the body gives back what it was called with.
pub(crate) async fn run(manager: &ApprovalManager, action: Action) -> Result<Value, ApprovalError> {
    manager.guard(action).run(async |arguments, _| Ok(arguments["cents"].clone())).await
}

impl Desk {
    pub(crate) fn of(people: &[&str]) -> (Self, Terminal) {
        let (reader, keyboard) = io::pipe().unwrap();
        let (printer, output) = mpsc::unbounded_channel();
        let terminal = Terminal::new(BufReader::new(reader), Printer(printer));
        let terminal = people.iter().fold(terminal, |terminal, who| terminal.acting_as(principal(who)));
        (Self { keyboard, output, seen: String::new(), read: 0 }, terminal)
    }

    pub(crate) fn type_in(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// Reads on until the text appears.
    pub(crate) async fn until(&mut self, text: &str) {
        loop {
            if let Some(at) = self.seen.get(self.read..).unwrap().find(text) {
                self.read += at + text.len();
                return;
            }
            self.read_on(text).await;
        }
    }

    /// The rest of the line.
    pub(crate) async fn until_end_of_line(&mut self) -> String {
        let start = self.read;
        self.until("\n").await;
        self.seen.get(start..self.read - 1).unwrap().to_owned()
    }

    pub(crate) fn seen_by_now(&mut self) -> &str {
        while let Ok(more) = self.output.try_recv() {
            self.seen.push_str(&more);
        }
        &self.seen
    }

    async fn read_on(&mut self, text: &str) {
        match timeout(PATIENCE, self.output.recv()).await {
            Ok(Some(more)) => self.seen.push_str(&more),
            _ => panic!("{text:?} did not appear in {}", self.seen),
        }
    }
}
