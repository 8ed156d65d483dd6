//! The table of BENCHMARKS.md. Each benchmark leaves its rows in the target folder; the last one, `table`, prints them.

use std::{fs, path::PathBuf};

use serde::{Deserialize, Serialize};

use super::{mode, pairs::Medians};

/// One row.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Row {
    /// What is measured.
    pub case: String,
    /// Our figure, with its unit.
    pub ours: String,
    /// The bare code's.
    pub bare: String,
    /// One over the other.
    pub ratio: String,
    /// What was set out.
    pub goal: String,
    /// Whether it is reached.
    pub met: bool,
}

/// What a ratio has to be.
#[derive(Clone, Copy, Debug)]
pub enum Goal {
    /// The rate is at least this part of the bare code's.
    RateAtLeast(f64),
    /// The time is at most so many times the bare code's.
    TimeAtMost(f64),
}

impl Row {
    /// The row of a case that was measured in pairs.
    #[must_use]
    pub fn of_pairs(case: &str, medians: &Medians, goal: Goal) -> Self {
        let case = case.to_owned();
        match goal {
            Goal::RateAtLeast(least) => {
                let ratio = 1.0 / medians.ratio;
                Self {
                    case,
                    ours: format!("{}/s", thousands(1.0 / medians.ours)),
                    bare: format!("{}/s", thousands(1.0 / medians.bare)),
                    ratio: format!("{ratio:.2}"),
                    goal: format!("at least {least:.2}"),
                    met: ratio >= least,
                }
            }
            Goal::TimeAtMost(most) => Self {
                case,
                ours: format!("{:.1} us", medians.ours * 1e6),
                bare: format!("{:.1} us", medians.bare * 1e6),
                ratio: format!("{:.2}x", medians.ratio),
                goal: format!("at most {most}x"),
                met: medians.ratio <= most,
            },
        }
    }

    /// Prints the row, and leaves it for the table if figures were wanted.
    ///
    /// # Panics
    /// When the file cannot be written.
    pub fn report(&self) {
        println!("{}", self.line());
        if mode::measuring() {
            fs::create_dir_all(folder()).expect("the target folder can be written");
            let name: String =
                self.case.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
            let text = serde_json::to_string_pretty(self).expect("a row is JSON");
            fs::write(folder().join(format!("{name}.json")), text).expect("the row can be written");
        }
    }

    fn line(&self) -> String {
        let Self { case, ours, bare, ratio, goal, met } = self;
        let met = if *met { "yes" } else { "no" };
        format!("| {case} | {ours} | {bare} | {ratio} | {goal} | {met} |")
    }
}

/// A number with a comma between thousands.
#[must_use]
pub fn thousands(number: f64) -> String {
    let digits = format!("{number:.0}");
    let mut out = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

fn folder() -> PathBuf {
    let target =
        option_env!("CARGO_TARGET_TMPDIR").map_or_else(|| crate::repo::root().join("target"), PathBuf::from);
    target.join("approval-bench")
}

/// Every case, in the order of the table.
pub const CASES: &[&str] = &[
    "memory store, 64 in flight",
    "memory store, decision to awake, 1 in flight, median",
    "SQLite, 64 in flight",
    "SQLite, 256 in flight",
    "SQLite, decision to awake, 1 in flight, median",
    "pending on the memory store, waiters alive, memory each",
    "pending on SQLite, waiters alive, memory each",
    "start on pending requests, until those past due are expired and a vote is acknowledged",
    "the same against 10,000 pending",
    "allowed call over the bare call, guard(..).run",
    "allowed call over the bare call, #[guarded_action]",
    "policy, 100 rules that name their action; bare: one condition",
    "policy, 100 rules about every action; bare: 100 conditions",
    "statistics of 1,000,000 requests on SQLite, by everything, median; bare: a count of statuses in SQL",
    "PostgreSQL, 64 in flight, one process",
    "PostgreSQL, 64 in flight, one process; bare: a transaction for each step",
    "PostgreSQL, 1,024 in flight, two processes",
    "PostgreSQL, decision in one process to awake in another, 1 in flight, median",
    "pending on PostgreSQL, waiters alive, memory each",
    "PostgreSQL, transactions in a second while 10,000 wait; bare: while 10 wait",
    "PostgreSQL, 1,000,000 pending, create; bare: 1,000 pending",
    "PostgreSQL, 1,000,000 pending, decide; bare: 1,000 pending",
    "PostgreSQL, 1,000,000 pending, what is due; bare: 1,000 pending",
    "PostgreSQL, 1,000,000 pending, list; bare: 1,000 pending",
];

/// The whole table, as far as it was measured.
#[must_use]
pub fn table() -> String {
    let mut rows: Vec<Row> = fs::read_dir(folder())
        .into_iter()
        .flatten()
        .filter_map(|entry| serde_json::from_str(&fs::read_to_string(entry.ok()?.path()).ok()?).ok())
        .collect();
    rows.sort_by_key(|row| CASES.iter().position(|case| *case == row.case));
    let mut text = String::from("| case | ours | bare | ratio | goal | met |\n|---|---|---|---|---|---|\n");
    for row in rows {
        text.push_str(&row.line());
        text.push('\n');
    }
    text
}

/// The machine, in a line.
#[must_use]
pub fn machine() -> String {
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(':'))
        .map(|(_, name)| name.trim());
    let memory = fs::read_to_string("/proc/meminfo").unwrap_or_default();
    let kilobytes = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemTotal:")?.split_whitespace().next()?.parse::<f64>().ok());
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default();
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    format!(
        "{}, {cores} cores, {:.0} GiB of memory, Linux {}",
        model.unwrap_or("unknown processor"),
        kilobytes.unwrap_or_default() / 1024.0 / 1024.0,
        kernel.trim(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn thousands_are_set_apart() {
        assert_eq!(thousands(0.4), "0");
        assert_eq!(thousands(999.0), "999");
        assert_eq!(thousands(1_234_567.0), "1,234,567");
    }

    #[test]
    fn a_rate_is_compared_the_other_way_round_than_a_time() {
        let medians = Medians { ours: 4e-6, bare: 1e-6, ratio: 4.0, pairs: 1 };
        assert!(Row::of_pairs("a", &medians, Goal::RateAtLeast(0.25)).met);
        assert!(!Row::of_pairs("a", &medians, Goal::RateAtLeast(0.26)).met);
        assert!(Row::of_pairs("a", &medians, Goal::TimeAtMost(4.0)).met);
        assert!(!Row::of_pairs("a", &medians, Goal::TimeAtMost(3.9)).met);
    }
}
