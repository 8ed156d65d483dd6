//! Every example, run as a user would run it: answers come from a pipe, and what it prints is looked at.

use std::path::Path;

use approval_core::store::{Query, Store};
use approval_store::SqliteStore;
use approval_test_cluster::{Cluster, Database};
use approval_tests::examples::{self, Ended, Running, run, run_on};
use tempfile::TempDir;

/// The text holds these, in this order.
fn assert_in_order(text: &str, parts: &[&str]) {
    let mut rest = text;
    for part in parts {
        let at = rest.find(part).unwrap_or_else(|| panic!("{part:?} is missing, or too early, in:\n{text}"));
        rest = &rest[at + part.len()..];
    }
}

fn assert_success(ended: &Ended) {
    assert!(ended.status.success(), "{}\n{}\n{}", ended.status, ended.stdout, ended.stderr);
}

#[test]
fn every_example_is_run_here() {
    let this = include_str!("examples.rs");
    for name in examples::names() {
        assert!(
            this.contains(&format!("run(\"{name}\"")) || this.contains(&format!("start(\"{name}\"")),
            "{name} is not run"
        );
    }
}

#[test]
fn an_edit_of_the_audit_trail_is_found() {
    let ended = run("audit_trail", &[]);
    assert_success(&ended);
    assert_eq!(
        ended.stdout,
        "the agent hears: approval_denied\nsound: 3 events, 0 not sealed\nfound: line 2 or line 3\n"
    );
}

#[test]
fn hello_sends_after_a_yes() {
    let ended = run("hello", &["y"]);
    assert_success(&ended);
    assert_eq!(ended.stdout, "sent to bob@example.com: Hello, Bob!\n");
    assert_in_order(
        &ended.stderr,
        &["Approval wanted: mail.send", "Send a mail to bob@example.com: Hello, Bob!"],
    );
}

#[test]
fn hello_does_not_send_after_a_no() {
    let ended = run("hello", &["n too early"]);
    assert_eq!((ended.status.code(), ended.stdout.as_str()), (Some(1), ""));
    assert!(
        ended.stderr.contains("rejected by user:ann@example.com: 'too early'; nothing was run"),
        "{}",
        ended.stderr
    );
}

#[test]
fn hello_is_short() {
    let text =
        std::fs::read_to_string(approval_tests::repo::root().join("examples/examples/hello.rs")).unwrap();
    assert!(text.lines().count() < 25, "{} lines", text.lines().count());
}

#[test]
fn a_rejection_becomes_a_message_to_the_model() {
    let ended = run("tool_loop", &["n too expensive"]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &[
            "model: shop.order",
            "to the model: The action shop.order was not run: a person rejected it.",
            "\"too expensive\"",
            "model: notes.write",
            "[notes.write] runs with",
            "model: Finished.",
        ],
    );
    assert!(!ended.stdout.contains("[shop.order] runs"), "{}", ended.stdout);
}

#[test]
fn an_approved_tool_call_runs() {
    let ended = run("tool_loop", &["y"]);
    assert_success(&ended);
    assert_in_order(&ended.stdout, &["[shop.order] runs with", "espresso machine", "model: Finished."]);
    assert!(!ended.stdout.contains("notes.write"), "{}", ended.stdout);
}

#[test]
fn an_agent_without_async_waits_for_people() {
    let ended = run("sync_agent", &["y", "n keep it"]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &[
            "deleted cache/old.bin\n",
            "kept photos/wedding.jpg: ",
            "was not run: a person rejected it",
            "keep it",
        ],
    );
    assert!(ended.stderr.contains("the disk is full"), "the intent is shown: {}", ended.stderr);
}

#[test]
fn a_preview_and_attachments_are_shown() {
    let ended = run("preview_and_attachments", &["y", "n not today"]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &["filed letter.txt\n", "deleted 47 rows of cust-9\n", "'not today'; nothing was run\n"],
    );
    assert_in_order(
        &ended.stderr,
        &[
            "Approval wanted: customers.delete",
            "deletes     customer\n",
            "which       cust-9\n",
            "warning     There is no backup.\n",
            "preview     47 rows will be deleted\n",
            "attached    \"letter.txt\" text/plain; charset=utf-8, 31 bytes, sha256:",
            "Please forget me.",
            "Approval wanted: email.send",
            "e-mail to   cust-9@example.com\n",
            "file        \"receipt.pdf\" (attached below)\n",
            "preview     receivers: 1, and none can be called back\n",
            "attached    \"receipt.pdf\" application/pdf, at https://files.example.com/receipt-9.pdf, without a digest",
        ],
    );
}

#[test]
fn edited_arguments_run() {
    let ended = run("edited_arguments", &["edit cents=1200"]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &[
            "refunding 1200 cents to acme; changed and approved by user:ann@example.com",
            "asked for 5000 cents, refunded 1200",
        ],
    );
}

#[test]
fn a_note_reaches_the_body() {
    let ended = run("edited_arguments", &["y note as a favour"]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &["refunding 5000 cents", "; approved by", "user:ann@example.com notes: as a favour"],
    );
}

#[test]
fn people_answer_with_a_value() {
    let ended = run("ask_a_person", &["2", "answer 3"]);
    assert_success(&ended);
    assert_eq!(ended.stdout, "user:ann@example.com wants Business\nbooking 3 seats in Business\n");
    assert_in_order(&ended.stderr, &["2) Business, 3100 EUR = \"business\"", "a whole number from 0 to 255"]);
}

#[test]
fn a_suspended_call_runs_once_when_it_is_made_again() {
    let ended = run("suspend_and_resume", &[]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &[
            "202 Accepted: accounts.close",
            "approved: Close the account of acme",
            "3. ",
            "  closed the account of acme\n",
            "4. ",
            "ran already: succeeded",
        ],
    );
    assert_eq!(ended.stdout.matches("closed the account").count(), 1, "{}", ended.stdout);
}

#[test]
fn a_channel_of_ones_own_decides_by_its_call_back() {
    let ended = run("custom_notifier", &[]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &["[chat] to user:ann@example.com: Restart db-1", "[call-back] user:ann@example.com approved"],
    );
    for line in
        ["restarting db-1\n", "[call-back] again: already_decided\n", "[chat] the message now says: approved"]
    {
        assert!(ended.stdout.contains(line), "{line:?} is missing in {}", ended.stdout);
    }
}

#[test]
fn a_store_of_ones_own_passes_the_suite() {
    let ended = run("custom_store", &[]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &["sent to bob@example.com", "in the file: mail.send approved", "broken: 0"],
    );
}

#[test]
fn a_grant_reaches_the_inner_function() {
    let ended = run("grants_in_types", &[]);
    assert_success(&ended);
    assert_eq!(ended.stdout, "paid out 1000 cents; approved by user:ann@example.com\n");
}

#[test]
fn a_killed_agent_resumes_and_never_runs_twice() {
    let ended = run("crash_and_resume", &[]);
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &[
            "agent: transferring 5000 cents to acme",
            "requests in the store: 1",
            "agent: outcome_unknown: ",
            "agent: already_ran: ",
        ],
    );
    assert_eq!(ended.stdout.matches("agent: transferring").count(), 1, "{}", ended.stdout);
}

#[test]
fn the_example_of_tests_runs() {
    let ended = run("testing", &[]);
    assert_success(&ended);
    assert!(ended.stdout.starts_with("refunded 8000 cents for order A-17\n"), "{}", ended.stdout);
}

/// A quickstart whose state lies in `folder`.
fn quickstart(folder: &Path) -> Running {
    Running::start("quickstart", &[folder.to_str().expect("a path of plain text")])
}

/// The ids of requests that a terminal has shown.
fn ids(stderr: &str) -> Vec<&str> {
    stderr.lines().filter_map(|line| line.strip_prefix("  request     ")).collect()
}

#[test]
fn the_quickstart_goes_through() {
    let folder = TempDir::new().unwrap();
    let mut running = quickstart(folder.path());
    for answer in ["y", "y", "1", "y", "2"] {
        running.type_line(answer);
    }
    running.close_input();
    let ended = running.end();
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &[
            "Run 1 ",
            "acme has 1204.50 EUR",
            "[mail server] to acme@example.com",
            "[bank] 8000 cents for order A-17",
            "policy_denied: database.drop_table denied by the policy's rule 'no dropping'",
            "On record:",
        ],
    );
    for line in [
        "accounts.balance: succeeded, nobody was asked (rule 'reading is free')",
        "database.drop_table: denied, nobody was asked (rule 'no dropping')",
        "mail.send: approved by user:ann@example.com, succeeded",
        "payments.refund: approved by user:ann@example.com, user:cho@example.com, succeeded",
    ] {
        assert!(ended.stdout.contains(line), "{line:?} is missing in {}", ended.stdout);
    }
    assert!(!ended.stdout.contains("[database]"), "{}", ended.stdout);
}

#[test]
fn the_quickstart_takes_an_edited_amount_and_a_no() {
    let folder = TempDir::new().unwrap();
    let mut running = quickstart(folder.path());
    for answer in ["n not yet", "edit cents=6000", "2", "y", "1"] {
        running.type_line(answer);
    }
    running.close_input();
    let ended = running.end();
    assert_success(&ended);
    assert_in_order(
        &ended.stdout,
        &["approval_denied: mail.send", "'not yet'; nothing was run", "[bank] 6000 cents for order A-17"],
    );
    assert!(!ended.stdout.contains("[mail server]"), "{}", ended.stdout);
    assert_in_order(&ended.stderr, &["cost        80 EUR", "cost        60 EUR"]);
}

#[test]
fn a_killed_quickstart_takes_up_the_same_requests() {
    let folder = TempDir::new().unwrap();
    let first = quickstart(folder.path());
    let shown = first.wait_for("example.com> ", 1);
    let mail = ids(&shown)[0].to_owned();
    let killed = first.kill();
    assert!(!killed.status.success() && !killed.stdout.contains("[mail server]"));

    // The mail is asked about again, sent, and then it is killed at the next question.
    let mut second = quickstart(folder.path());
    assert_eq!(ids(&second.wait_for("ann@example.com> ", 1)), [mail.as_str()]);
    second.type_line("y");
    let shown = second.wait_for("answer> ", 1);
    let refund = ids(&shown)[1].to_owned();
    second.type_line("y");
    second.type_line("1");
    let _voted = second.wait_for("Your vote counts", 1);
    let killed = second.kill();
    assert_eq!(killed.stdout.matches("[mail server]").count(), 1);

    // The mail is not sent again; Ann's vote is still there, so that one more is enough.
    let mut third = quickstart(folder.path());
    let shown = third.wait_for("answer> ", 1);
    assert_eq!(ids(&shown), [refund.as_str()]);
    third.type_line("y");
    third.type_line("1");
    third.close_input();
    let ended = third.end();
    assert_success(&ended);
    assert!(!ended.stdout.contains("[mail server]"), "{}", ended.stdout);
    assert_in_order(
        &ended.stdout,
        &[
            "Run 1 ",
            "done: sent to acme@example.com",
            "[bank] 8000 cents",
            "payments.refund: approved by user:ann@example.com, user:bob@example.com",
        ],
    );
    assert_eq!(requests(folder.path()), 2);

    // The next start is another run, which asks anew.
    let next = quickstart(folder.path());
    assert!(!ids(&next.wait_for("ann@example.com> ", 1)).contains(&mail.as_str()));
    assert!(next.kill().stdout.contains("Run 2 "));
}

/// How many requests a store file holds.
fn requests(folder: &Path) -> usize {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let store = SqliteStore::open(folder.join("approvals.sqlite")).unwrap();
        let count = store.list(&Query::default()).await.unwrap().items.len();
        store.close().await.unwrap();
        count
    })
}

#[test]
fn a_quickstart_with_closed_input_says_how_to_decide() {
    let folder = TempDir::new().unwrap();
    let mut running = quickstart(folder.path());
    running.close_input();
    let ended = running.end();
    assert_eq!(ended.status.code(), Some(2), "{}", ended.stderr);
    assert_in_order(
        &ended.stderr,
        &[
            "no person can answer here any more",
            "error: standard input is closed",
            "| cargo run --example quickstart",
        ],
    );
    assert!(
        ended.stdout.contains("mail.send: pending") && !ended.stdout.contains("[mail server]"),
        "{}",
        ended.stdout
    );

    let again = quickstart(folder.path());
    assert_eq!(ids(&again.wait_for("ann@example.com> ", 1)), ids(&ended.stderr));
    let _killed = again.kill();
}

#[cfg(unix)]
#[test]
fn a_quickstart_stopped_by_ctrl_c_says_so_and_goes_on_later() {
    let folder = TempDir::new().unwrap();
    let running = quickstart(folder.path());
    let shown = running.wait_for("ann@example.com> ", 1);
    running.signal("INT");
    let ended = running.end();
    assert_eq!(ended.status.code(), Some(130), "{}", ended.stderr);
    assert!(ended.stderr.contains("stopped; start again to go on"), "{}", ended.stderr);

    let again = quickstart(folder.path());
    assert_eq!(ids(&again.wait_for("ann@example.com> ", 1)), ids(&shown));
    let _killed = again.kill();
}

/// A database of its own.
fn database() -> Database {
    Cluster::shared().database().expect("a PostgreSQL server of Debian's package")
}

/// How many requests it holds.
fn requests_in(database: &Database) -> String {
    database.psql("select count(*) from approvals.requests").expect("the tables of the store")
}

#[test]
fn examples_run_on_a_database_too() {
    for (name, answers, said, requests) in [
        ("hello", &["y"][..], &["sent to bob@example.com: Hello, Bob!"][..], "1"),
        ("edited_arguments", &["edit cents=1200"], &["asked for 5000 cents, refunded 1200"], "1"),
        ("ask_a_person", &["2", "answer 3"], &["booking 3 seats in Business"], "2"),
        ("sync_agent", &["y", "n keep it"], &["deleted cache/old.bin", "kept photos/wedding.jpg"], "2"),
        ("custom_notifier", &[], &["[chat] to user:ann@example.com", "approved"], "1"),
        ("audit_trail", &[], &["sound: 3 events, 0 not sealed", "found: line 2 or line 3"], "1"),
        ("suspend_and_resume", &[], &["202 Accepted", "  closed the account", "ran already: succeeded"], "1"),
        ("crash_and_resume", &[], &["requests in the store: 1", "outcome_unknown", "already_ran"], "1"),
    ] {
        let database = database();
        let ended = run_on(database.url(), name, answers);
        assert_success(&ended);
        assert_in_order(&ended.stdout, said);
        assert_eq!(requests_in(&database), requests, "{name}");
    }
}

#[test]
fn the_quickstart_goes_through_on_a_database() {
    let (folder, database) = (TempDir::new().unwrap(), database());
    let arguments = [folder.path().to_str().expect("a path of plain text")];
    let mut running = Running::start_on(Some(database.url()), "quickstart", &arguments);
    for answer in ["y", "y", "1", "y", "2"] {
        running.type_line(answer);
    }
    running.close_input();
    let ended = running.end();
    assert_success(&ended);
    assert_in_order(&ended.stdout, &["[mail server]", "[bank] 8000 cents", "On record:"]);
    assert!(
        ended.stdout.contains("accounts.balance: succeeded, nobody was asked"),
        "the journal is read: {}",
        ended.stdout
    );
    assert_eq!(requests_in(&database), "2");
}

/// What the agent of the example says.
const AGENT: [&str; 7] = [
    "asks to pay 120 EUR to acme",
    "pays 120 EUR to acme",
    "asks to pay 9000 EUR to a new supplier",
    "does not pay: approval_denied",
    "asks to pay 80 EUR to acme",
    "pays 80 EUR to acme",
    "is done",
];

/// What the one who decides says.
const DECIDER: [&str; 5] = [
    "waits for requests",
    "user:ann@example.com reads: Pay 120 EUR to acme, and says yes",
    "user:ann@example.com reads: Pay 9000 EUR to a new supplier, and says no",
    "user:ann@example.com reads: Pay 80 EUR to acme, and says yes",
    "is done",
];

/// Both, each with its name in front.
fn assert_both_did_their_part(ended: &Ended) {
    assert_success(ended);
    let of = |name: &str| -> Vec<&str> {
        let lines = ended.stdout.lines().filter_map(|line| line.split_once(" | "));
        lines.filter(|(who, _)| who.trim() == name).map(|(_, text)| text).collect()
    };
    assert_eq!((of("agent"), of("decider")), (AGENT.to_vec(), DECIDER.to_vec()));
    assert_eq!(ended.stdout.lines().count(), AGENT.len() + DECIDER.len(), "{}", ended.stdout);
}

#[test]
fn two_processes_share_a_file() {
    assert_both_did_their_part(&run("two_machines", &[]));
}

#[test]
fn two_processes_share_a_database() {
    let database = database();
    assert_both_did_their_part(&run_on(database.url(), "two_machines", &[]));
    assert_eq!(requests_in(&database), "3");
}

#[test]
fn two_machines_are_started_one_by_one() {
    let database = database();
    let agent = Running::start("two_machines", &["agent", database.url()]);
    // Nobody decides yet; what it asks waits in the database.
    agent.wait_for_output("asks to pay 120 EUR", 1);
    let mut decider = Running::start("two_machines", &["decider", database.url()]);
    let agent = agent.end();
    assert_success(&agent);
    assert_eq!(agent.stdout.lines().collect::<Vec<_>>(), AGENT);
    decider.close_input();
    let decider = decider.end();
    assert_success(&decider);
    assert_eq!(decider.stdout.lines().collect::<Vec<_>>(), DECIDER);
}

#[test]
fn two_machines_need_a_store_that_both_reach() {
    for (url, hint) in [("memory:", "a store that both can open"), ("", "no store is named")] {
        let ended = Running::start_on(Some(url), "two_machines", &["agent"]).end();
        assert!(!ended.status.success() && ended.stderr.contains(hint), "{}", ended.stderr);
    }
}
