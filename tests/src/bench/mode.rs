//! Whether a benchmark measures, or only proves that it runs.

/// Whether figures are wanted: `cargo bench` starts a benchmark with `--bench`, `cargo test` without.
#[must_use]
pub fn measuring() -> bool {
    std::env::args().any(|argument| argument == "--bench")
}

/// `whole` when measuring, `part` when only proving that it runs.
#[must_use]
pub fn sized<T>(whole: T, part: T) -> T {
    if measuring() { whole } else { part }
}

/// How many requests are pending in the cases about many of them: `default`, unless `APPROVALS_BENCH_PENDING` says.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "a benchmark has no other settings")]
pub fn pending(default: usize) -> usize {
    std::env::var("APPROVALS_BENCH_PENDING").ok().and_then(|text| text.parse().ok()).unwrap_or(default)
}
