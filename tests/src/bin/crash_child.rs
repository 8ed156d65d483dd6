//! A process that works on a store until it is killed. See `approval_tests::crash`.

use approval_tests::crash::child;

fn main() -> anyhow::Result<()> {
    child::run(std::env::args().skip(1))
}
