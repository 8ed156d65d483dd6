//! Another process on the same store. See `approval_tests::peer`.

use approval_tests::peer;

fn main() -> anyhow::Result<()> {
    peer::run(std::env::args().skip(1))
}
