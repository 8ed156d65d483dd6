//! A machine that shares a database with others. See `approval_tests::machine`.

fn main() -> anyhow::Result<()> {
    approval_tests::machine::run(std::env::args().skip(1))
}
