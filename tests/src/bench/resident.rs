//! How much memory a process holds.

/// Bytes of this process that are in memory now (`VmRSS`). What the allocator keeps back counts too.
///
/// # Panics
/// When the system does not tell (it is not Linux).
#[must_use]
pub fn bytes() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").expect("Linux");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a line VmRSS");
    let kilobytes: f64 = line.trim().trim_end_matches(" kB").trim().parse().expect("a number");
    kilobytes * 1024.0
}
