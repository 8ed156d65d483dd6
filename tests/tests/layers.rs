//! The layer rule of ARCHITECTURE.md, held against the source: inside approval-core each layer uses only those
//! above it, the lifecycle does no I/O and asks no clock, and extension crates depend on the core alone.
//!
//! The source is read as tokens, so comments and strings are not mistaken for code. What a file uses is every
//! path that it names, in a `use` or anywhere else. Unit tests are exempt: they may set up what they like.

use std::collections::BTreeSet;

use approval_tests::repo;
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The layers of approval-core, top first. Modules of one line may use each other.
const LAYERS: &[&[&str]] = &[
    &["id", "clock", "error", "sync", "checked_file"],
    &["model"],
    &["yaml"],
    &["lifecycle"],
    &["policy"],
    &["directory"],
    &["file"],
    &["store"],
    &["audit"],
    &["transfer"],
    &["suggest"],
    &["approval_error"],
    &["notify"],
    &["manager"],
    &["guard"],
];

/// What each crate may depend on, of this workspace: always, and for its own tests. Crates that are not
/// published may depend on all.
const CRATES: &[(&str, &[&str], &[&str])] = &[
    ("approval-macros", &[], &[]),
    ("approval-core", &["approval-macros"], &[]),
    ("approval-testkit", &["approval-core"], &[]),
    ("approval-store", &["approval-core"], &["approval-testkit", "approval-test-cluster"]),
    ("approval-channels", &["approval-core"], &["approval-testkit"]),
    ("approval-cli", &["approval-core", "approval-store"], &["approval-testkit", "approval-test-cluster"]),
];

/// What the core must not pull in: databases, HTTP, mail. (The beginning of a crate's name.)
const NOT_IN_CORE: &[&str] = &[
    "rusqlite",
    "libsqlite3",
    "sqlx",
    "tokio-postgres",
    "deadpool",
    "diesel",
    "redis",
    "axum",
    "hyper",
    "reqwest",
    "tower",
    "lettre",
    "rustls",
];

#[test]
fn core_modules_use_only_layers_above_them() {
    let files = repo::rust_files("approval-core/src");
    assert!(!files.is_empty(), "no source found: the test looks in the wrong place");
    let bad: Vec<_> = files.iter().flat_map(|file| layer_violations(&file.path, &file.text)).collect();
    assert!(bad.is_empty(), "the layer rule is broken (see ARCHITECTURE.md):\n{}", bad.join("\n"));
}

#[test]
fn lifecycle_is_pure() {
    let bad: Vec<_> = repo::rust_files("approval-core/src")
        .iter()
        .filter(|file| module_of(&file.path).first().is_some_and(|layer| layer == "lifecycle"))
        .flat_map(|file| impurities(&file.path, &file.text))
        .collect();
    assert!(bad.is_empty(), "the lifecycle is not pure (see ARCHITECTURE.md):\n{}", bad.join("\n"));
}

#[test]
fn crates_depend_only_on_what_the_house_allows() {
    let packages = repo::packages();
    let names: BTreeSet<&str> = packages.iter().filter_map(|package| package["name"].as_str()).collect();
    let mut bad = Vec::new();
    for package in packages.iter().filter(|package| package["publish"].is_null()) {
        let name = package["name"].as_str().expect("a package has a name");
        let Some((_, always, in_tests)) = CRATES.iter().find(|(known, ..)| *known == name) else {
            bad.push(format!("{name}: not in the list of crates: say what it may depend on"));
            continue;
        };
        for dependency in package["dependencies"].as_array().expect("a package has dependencies") {
            let on = dependency["name"].as_str().expect("a dependency has a name");
            let in_test = dependency["kind"] == "dev";
            if names.contains(on) && !always.contains(&on) && !(in_test && in_tests.contains(&on)) {
                bad.push(format!("{name} depends on {on}"));
            }
            let foreign = NOT_IN_CORE.iter().any(|prefix| on.starts_with(prefix));
            if name == "approval-core" && !in_test && foreign {
                bad.push(format!("{name} depends on {on}: no database and no network in the core"));
            }
        }
    }
    assert!(bad.is_empty(), "the house rule is broken (see ARCHITECTURE.md):\n{}", bad.join("\n"));
}

/// The module that a file of approval-core holds: `["model", "request"]`; empty for `lib.rs`.
fn module_of(path: &str) -> Vec<String> {
    let inside = path.strip_prefix("approval-core/src/").unwrap_or(path);
    let mut parts: Vec<String> =
        inside.trim_end_matches(".rs").split('/').map(std::borrow::ToOwned::to_owned).collect();
    if matches!(parts.last().map(String::as_str), Some("lib" | "mod")) {
        parts.pop();
    }
    parts
}

fn rank(module: &str) -> Option<usize> {
    LAYERS.iter().position(|layer| layer.contains(&module))
}

/// What a file uses that lies in a layer below its own. `lib.rs` is exempt: it re-exports from all layers.
fn layer_violations(path: &str, text: &str) -> Vec<String> {
    let module = module_of(path);
    let Some(layer) = module.first() else { return Vec::new() };
    if module.iter().any(|part| part == "tests") {
        return Vec::new();
    }
    let Some(own) = rank(layer) else {
        return vec![format!("{path}: `{layer}` is in no layer: give it a place")];
    };
    let mut bad = BTreeSet::new();
    for used in uses(text, &module) {
        let [root, target, ..] = used.as_slice() else { continue };
        if root != "crate" {
            continue;
        }
        match rank(target) {
            Some(other) if other <= own => {}
            Some(_) => {
                bad.insert(format!("{path}: `{layer}` uses `{}`, a layer below it", used.join("::")));
            }
            // A name that `lib.rs` re-exports would hide the layer that it comes from.
            None => {
                bad.insert(format!("{path}: name the module instead of `{}`", used.join("::")));
            }
        }
    }
    bad.into_iter().collect()
}

/// What a file does that a pure function must not: wait, ask a clock or chance, touch the system.
fn impurities(path: &str, text: &str) -> Vec<String> {
    const SYSTEM: &[&str] = &["time", "fs", "io", "net", "env", "thread", "process"];
    const WORDS: &[&str] = &[
        "async",
        "await",
        "tokio",
        "SystemTime",
        "Instant",
        "getrandom",
        "now_v7",
        "new_v4",
        "Clock",
        "println",
    ];
    let module = module_of(path);
    if module.iter().any(|part| part == "tests") {
        return Vec::new();
    }
    let mut bad = BTreeSet::new();
    for used in uses(text, &module) {
        let whole = used.join("::");
        if used.first().is_some_and(|part| part == "std")
            && used.get(1).is_some_and(|part| SYSTEM.contains(&part.as_str()))
        {
            bad.insert(format!("{path}: `{whole}` (a span of time is `core::time::Duration`)"));
        } else if used.iter().any(|part| WORDS.contains(&part.as_str()))
            || (used.len() > 1 && used.last().is_some_and(|part| part == "now"))
        {
            bad.insert(format!("{path}: `{whole}`"));
        }
    }
    bad.into_iter().collect()
}

/// Every path that the source names outside its tests, groups spelled out, and `self`, `super` and the crate's
/// own name resolved to `crate` as seen from `module`. A single word is a path too.
fn uses(text: &str, module: &[String]) -> Vec<Vec<String>> {
    let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{module:?} is not Rust: {error}"));
    let mut found = Vec::new();
    collect(tokens, module, &mut found);
    found
}

fn collect(tokens: TokenStream, module: &[String], found: &mut Vec<Vec<String>>) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut at = 0;
    let mut exempt = false; // after `#[cfg(test)]`, until the item that it stands on has ended
    while let Some(token) = tokens.get(at) {
        match token {
            TokenTree::Punct(punct) if punct.as_char() == '#' => {
                if let Some(TokenTree::Group(attribute)) = tokens.get(at + 1) {
                    exempt |= attribute.stream().to_string().replace(' ', "") == "cfg(test)";
                    at += 1;
                }
            }
            TokenTree::Punct(punct) => exempt &= punct.as_char() != ';',
            TokenTree::Group(group) => {
                if !exempt {
                    collect(group.stream(), &inner_module(&tokens, at, group, module), found);
                }
                exempt &= group.delimiter() != Delimiter::Brace;
            }
            TokenTree::Ident(_) => {
                let end = path_end(&tokens, at);
                if !exempt {
                    for path in spell_out(&tokens[at..end]) {
                        found.push(resolve(path, module));
                    }
                }
                at = end - 1;
            }
            TokenTree::Literal(_) => {}
        }
        at += 1;
    }
}

/// The module that a group is the body of: one deeper for `mod name { … }`.
fn inner_module(tokens: &[TokenTree], at: usize, group: &Group, module: &[String]) -> Vec<String> {
    let mut inner = module.to_vec();
    if group.delimiter() == Delimiter::Brace
        && let Some([TokenTree::Ident(keyword), TokenTree::Ident(name)]) =
            at.checked_sub(2).and_then(|from| tokens.get(from..at))
        && keyword == "mod"
    {
        inner.push(name.to_string());
    }
    inner
}

fn is_colons(tokens: &[TokenTree], at: usize) -> bool {
    let colon = |at: usize| matches!(tokens.get(at), Some(TokenTree::Punct(punct)) if punct.as_char() == ':');
    colon(at) && colon(at + 1)
}

/// Where the path that begins at `at` ends: after `a::b`, `a::*` or `a::{…}`.
fn path_end(tokens: &[TokenTree], at: usize) -> usize {
    let mut end = at + 1;
    while is_colons(tokens, end) {
        match tokens.get(end + 2) {
            Some(TokenTree::Ident(_)) => end += 3,
            Some(TokenTree::Punct(star)) if star.as_char() == '*' => return end + 3,
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace => return end + 3,
            _ => return end + 2, // `Vec::<u8>`
        }
    }
    end
}

/// `a::{b, c::d}` as `a::b` and `a::c::d`.
fn spell_out(tokens: &[TokenTree]) -> Vec<Vec<String>> {
    let mut begin = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Ident(name) => begin.push(name.to_string()),
            TokenTree::Punct(star) if star.as_char() == '*' => begin.push("*".to_owned()),
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                return inner
                    .split(|token| matches!(token, TokenTree::Punct(comma) if comma.as_char() == ','))
                    .filter(|branch| !branch.is_empty())
                    .flat_map(|branch| spell_out(&branch[..path_end(branch, 0).min(branch.len())]))
                    .map(|branch| begin.iter().cloned().chain(branch).collect())
                    .collect();
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    vec![begin]
}

fn resolve(path: Vec<String>, module: &[String]) -> Vec<String> {
    let supers = path.iter().take_while(|part| *part == "super").count();
    let at_self = path.first().is_some_and(|part| part == "self") && path.len() > 1;
    if path.first().is_some_and(|part| part == "approval_core") && path.len() > 1 {
        ["crate".to_owned()].into_iter().chain(path.into_iter().skip(1)).collect()
    } else if supers > 0 || at_self {
        let base = module.len().saturating_sub(supers);
        let rest = path.into_iter().skip(supers.max(usize::from(at_self)));
        ["crate".to_owned()].into_iter().chain(module[..base].iter().cloned()).chain(rest).collect()
    } else {
        path
    }
}

/// The checks can fail: small bad samples, and good ones beside them.
mod samples {
    use super::{impurities, layer_violations, module_of};

    #[track_caller]
    fn assert_breaks(path: &str, text: &str, what: &str) {
        let bad = layer_violations(path, text);
        assert!(
            bad.iter().any(|line| line.contains(what)),
            "expected a word on {what} in {bad:?} for: {text}"
        );
    }

    #[track_caller]
    fn assert_keeps(path: &str, text: &str) {
        assert_eq!(layer_violations(path, text), Vec::<String>::new(), "for: {text}");
    }

    const REQUEST: &str = "approval-core/src/model/request.rs";

    #[test]
    fn a_use_of_a_lower_layer_is_found() {
        assert_breaks(REQUEST, "use crate::store::Store;", "crate::store::Store");
        assert_breaks(
            REQUEST,
            "use crate::{id::RequestId, manager::{self, builder}};",
            "crate::manager::builder",
        );
        assert_breaks(REQUEST, "pub use crate::lifecycle::*;", "crate::lifecycle::*");
        assert_breaks(REQUEST, "fn f() -> Option<crate::guard::Grant> { None }", "crate::guard::Grant");
        assert_breaks(REQUEST, "fn f() { let x = vec![crate::policy::allow()]; }", "crate::policy::allow");
        assert_breaks(REQUEST, "use super::super::notify::Notifier;", "crate::notify::Notifier");
        assert_breaks(REQUEST, "mod inner { use super::super::super::store; }", "crate::store");
        assert_breaks(REQUEST, "macro_rules! m { () => { $crate::manager::go() } }", "crate::manager::go");
        assert_breaks(REQUEST, "use approval_core::store::Store;", "crate::store::Store");
        assert_breaks("approval-core/src/error.rs", "use crate::model::Request;", "crate::model::Request");
    }

    #[test]
    fn a_use_that_hides_its_layer_is_found() {
        assert_breaks(REQUEST, "use crate::ApprovalManager;", "crate::ApprovalManager");
        assert_breaks(REQUEST, "use crate::*;", "crate::*");
        assert_breaks("approval-core/src/helpers.rs", "", "in no layer");
    }

    #[test]
    fn a_use_of_a_layer_above_is_kept() {
        assert_keeps(REQUEST, "use crate::{id::RequestId, clock::Clock};\nuse super::action::Action;");
        assert_keeps(REQUEST, "use crate::model::vote::Vote;\nuse self::part::X; mod part;");
        assert_keeps("approval-core/src/id.rs", "use crate::error::ParseError;");
        assert_keeps(
            REQUEST,
            "// use crate::store::Store;\n/// [`crate::store::Store`]\nconst S: &str = \"crate::store::X\";",
        );
        assert_keeps(REQUEST, "pub(crate) fn f() {} use std::collections::BTreeMap;");
        assert_keeps("approval-core/src/lib.rs", "pub mod store; pub use crate::store::Store;");
    }

    #[test]
    fn only_tests_are_exempt() {
        assert_keeps(REQUEST, "#[cfg(test)]\nmod tests { use crate::store::MemoryStore; }");
        assert_keeps(REQUEST, "#[cfg(test)]\nuse crate::store::MemoryStore;");
        assert_keeps("approval-core/src/model/request/tests.rs", "use crate::store::MemoryStore;");
        assert_breaks(
            REQUEST,
            "#[cfg(test)]\nuse crate::store::Fake;\nuse crate::store::Real;",
            "store::Real",
        );
        assert_breaks(REQUEST, "#[cfg(test)]\nmod tests { }\nuse crate::store::Real;", "store::Real");
        assert_breaks(REQUEST, "#[cfg(unix)]\nuse crate::store::Real;", "store::Real");
    }

    #[test]
    fn an_impure_lifecycle_is_found() {
        let path = "approval-core/src/lifecycle/vote.rs";
        for text in [
            "async fn f() {}",
            "fn f() { let _x = async { 1 }; }",
            "use std::time::Instant;",
            "use std::{collections::BTreeMap, time::Duration};",
            "fn f() { std::fs::remove_file(\"x\").ok(); }",
            "use tokio::sync::Mutex;",
            "fn f() -> Timestamp { jiff::Timestamp::now() }",
            "fn f() -> Uuid { Uuid::now_v7() }",
            "use crate::clock::Clock;",
        ] {
            assert!(!impurities(path, text).is_empty(), "not found: {text}");
        }
        let good = "use core::time::Duration; // async\nfn f(now: Timestamp) -> Timestamp { now }\n\
                    #[cfg(test)] mod tests { use std::time::Instant; }";
        assert_eq!(impurities(path, good), Vec::<String>::new());
    }

    #[test]
    fn a_file_names_its_module() {
        assert_eq!(module_of("approval-core/src/lib.rs"), Vec::<String>::new());
        assert_eq!(module_of("approval-core/src/model.rs"), ["model"]);
        assert_eq!(module_of(REQUEST), ["model", "request"]);
    }
}
