//! The last benchmark: prints what the others measured, as it stands in BENCHMARKS.md.

use approval_tests::bench::{mode, table};

fn main() {
    if mode::measuring() {
        println!("{}\n\n{}", table::machine(), table::table());
    }
}
