//! What does not compile, and how the compiler's messages read.
//!
//! `TRYBUILD=overwrite` writes the messages anew. Read them then as a user would: each must say what is wrong, where, and
//! what to do.

#[test]
fn mistakes_are_explained() {
    trybuild::TestCases::new().compile_fail("fail/*.rs");
}
