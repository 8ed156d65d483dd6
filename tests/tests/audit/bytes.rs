//! Every byte and every line of an exported trail, flipped, dropped, added, swapped.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, AtomicUsize, Ordering},
    },
    thread::{available_parallelism, scope},
};

use approval_core::{
    SystemClock,
    audit::{Breach, Verifier, VerifyOptions},
    store::{MemoryStore, Store},
};
use approval_tests::random::{Random, full, seed};

use crate::common::{Key, export, fill, seals, verifier, verify};

/// Requests with four events each.
const REQUESTS: usize = 250;

/// A sound trail, and how far a verifier had come before each line: a change needs to be looked for from there on only.
struct Trail {
    lines: Vec<String>,
    before: Vec<Verifier>,
    /// Changes that were tried.
    tried: AtomicU64,
}

impl Trail {
    /// Held against its own seals, kept elsewhere, or against nothing but the key.
    async fn new(held: bool) -> Self {
        let store: Arc<dyn Store> = Arc::new(MemoryStore::new());
        let key = Key::new();
        fill(&store, Arc::new(SystemClock), &key, REQUESTS).await;
        let text = export(&*store).await;
        let held = if held { seals(&*store).await } else { Vec::new() };
        let options = VerifyOptions { held, ..key.options() };
        let report = verify(&text, options.clone()).unwrap();
        assert_eq!((report.requests, report.events), (250, 1000));
        assert_eq!((report.journal, report.unsealed), (72, 0));
        assert_eq!((report.seals, report.signed), (37, 37));
        assert_eq!((report.sources, report.without_text.len()), (1, 0));

        let lines: Vec<String> = text.split_inclusive('\n').map(str::to_owned).collect();
        let mut verifier = verifier(options);
        let mut before = Vec::new();
        for line in &lines {
            before.push(verifier.clone());
            verifier.line(line.trim_end_matches('\n')).unwrap();
        }
        verifier.finish().unwrap();
        Self { lines, before, tried: AtomicU64::new(0) }
    }

    /// What a verifier says of the trail with `bytes` in place of the lines `at..at + replaced`.
    fn with(&self, at: usize, replaced: usize, bytes: &[u8]) -> Result<(), Option<Breach>> {
        let mut verifier = self.before[at].clone();
        // What is no line of text is found where files are read.
        let text = std::str::from_utf8(bytes).map_err(|_| None)?;
        for line in text.split_inclusive('\n') {
            let line = line.strip_suffix('\n').ok_or(None)?;
            verifier.line(line).map_err(Some)?;
        }
        for line in &self.lines[at + replaced..] {
            verifier.line(line.trim_end_matches('\n')).map_err(Some)?;
        }
        verifier.finish().map(drop).map_err(Some)
    }

    /// The change must be found, and not merely by the sum at the end, which anybody can compute.
    fn finds(&self, what: &str, at: usize, replaced: usize, bytes: &[u8]) {
        self.tried.fetch_add(1, Ordering::Relaxed);
        match self.with(at, replaced, bytes) {
            Ok(()) => panic!("{what} of line {}, and nobody noticed: {}", at + 1, self.lines[at]),
            Err(Some(Breach::WrongEnd)) => {
                assert_eq!(
                    at + replaced,
                    self.lines.len(),
                    "{what} of line {} is found by its sum alone",
                    at + 1
                );
            }
            Err(_) => {}
        }
    }

    /// Does `each` for every line, on all processors at once, and tells how many changes that were.
    fn for_each_line(&self, test: &str, each: impl Fn(usize, &mut Random) + Sync) {
        let random = Random::new(seed(test));
        let next = AtomicUsize::new(0);
        let work = || {
            loop {
                let line = next.fetch_add(1, Ordering::Relaxed);
                if line >= self.lines.len() {
                    break;
                }
                each(line, &mut random.part(line as u64));
            }
        };
        scope(|threads| {
            for _ in 0..available_parallelism().map_or(1, usize::from) {
                threads.spawn(work);
            }
        });
        println!("{test}: {} changes tried", self.tried.load(Ordering::Relaxed));
    }

    /// Everything that can be done at one byte.
    fn at_byte(&self, line: usize, byte: usize, random: &mut Random) {
        let text = self.lines[line].as_bytes();
        // With the next line, for what is done to the line break.
        let next = self.lines.get(line + 1).map_or("", String::as_str);
        let whole = [text, next.as_bytes()].concat();
        let replaced = 1 + usize::from(!next.is_empty());
        let changed = |change: &dyn Fn(&mut Vec<u8>)| {
            let mut bytes = whole.clone();
            change(&mut bytes);
            bytes
        };
        let bits: Vec<u32> =
            if full() { (0..8).collect() } else { vec![u32::try_from(random.below(8)).unwrap()] };
        for bit in bits {
            self.finds("a bit flipped", line, replaced, &changed(&|bytes| bytes[byte] ^= 1 << bit));
        }
        self.finds(
            "a byte dropped",
            line,
            replaced,
            &changed(&|bytes| {
                bytes.remove(byte);
            }),
        );
        let any = u8::try_from(random.below(256)).unwrap();
        for added in [any, b' ', b'\n', whole[byte]] {
            self.finds("a byte added", line, replaced, &changed(&|bytes| bytes.insert(byte, added)));
        }
        if byte + 1 < text.len() && text[byte] != text[byte + 1] {
            self.finds("two bytes swapped", line, replaced, &changed(&|bytes| bytes.swap(byte, byte + 1)));
        }
    }
}

#[tokio::test]
async fn every_byte_of_a_trail_that_is_flipped_dropped_added_or_swapped_is_found() {
    let trail = Trail::new(false).await;
    trail.for_each_line("bytes of a trail", |line, random| {
        let length = trail.lines[line].len();
        let bytes: Vec<usize> = if full() {
            (0..length).collect()
        } else {
            // The first, the last (the line break), and one between.
            vec![0, length - 1, usize::try_from(random.below(length as u64)).unwrap()]
        };
        for byte in bytes {
            trail.at_byte(line, byte, random);
        }
    });
}

#[tokio::test]
async fn every_line_of_a_trail_that_is_dropped_doubled_moved_or_replaced_is_found() {
    let trail = Trail::new(true).await;
    let last = trail.lines.len() - 1;
    trail.for_each_line("lines of a trail", |at, random| {
        let line = &trail.lines[at];
        // A text that is missing is told, and is no breach: what it is named by is still there.
        let may_miss = line.starts_with("{\"source\":");
        if !may_miss {
            trail.finds("dropping", at, 1, b"");
        }
        trail.finds("doubling", at, 1, line.repeat(2).as_bytes());
        if at < last {
            let swapped = [trail.lines[at + 1].as_str(), line.as_str()].concat();
            trail.finds("swapping", at, 2, swapped.as_bytes());
        }
        let others: Vec<usize> = if full() {
            (0..=last).collect()
        } else {
            (0..3).map(|_| usize::try_from(random.below(last as u64)).unwrap()).collect()
        };
        for other in others {
            if other != at {
                trail.finds("replacing", at, 1, trail.lines[other].as_bytes());
                let added = [trail.lines[other].as_str(), line.as_str()].concat();
                trail.finds("adding another before", at, 1, added.as_bytes());
            }
        }
        // Everything from here on is gone, the end put back.
        if at < last && !may_miss {
            trail.finds("cutting", at, last - at, b"");
        }
    });
}
