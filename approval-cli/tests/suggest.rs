//! `approvals policy suggest`, from the command line, over a real store.
#![cfg(test)]

use std::{fs, path::Path, sync::Arc, time::Duration};

use approval_core::{
    Action, ApprovalManager, Context, Money, Principal, Risk,
    clock::Span,
    file::ApprovalsFile,
    lifecycle::Edit,
    model::{Attachment, canonical::to_canonical},
    policy::SampleCall,
    store::Store,
};
use approval_store::SqliteStore;
use approval_testkit::FakeClock;
use serde_json::{Value, json};

const ANN: &str = "user:ann@example.com";
const BOB: &str = "user:bob@example.com";

/// The file that the calls are made under.
const FILE: &str = "\
# Who decides what.
policy:
  rules:
    # Nothing is sent at night.
    - name: night
      action: mail.send
      when: now.getHours() < 6
      deny: mail is sent by day

    # Mail to customers.
    - name: mail
      action: mail.*
      when: risk <= 'medium'
      ask: {approvers: group:desk, veto: 2}
    - name: the rest
      ask: group:desk
";

/// What a command wrote, and its status.
fn approvals(arguments: &[&str]) -> (u8, String, String) {
    let (mut out, mut errors) = (Vec::new(), Vec::new());
    let arguments = [&["approvals", "policy", "suggest"], arguments].concat();
    let status = approval_cli::run(arguments, &mut out, &mut errors);
    (status, String::from_utf8(out).unwrap(), String::from_utf8(errors).unwrap())
}

/// What becomes of a call.
#[derive(Clone, Copy)]
enum End {
    /// It is approved, and runs.
    Runs,
    /// It is approved, and fails.
    Fails,
    Rejected,
    /// Rejected at first, then approved.
    Reconsidered,
    Edited,
    Revoked,
    Expired,
    /// The agent takes it back.
    TakenBack,
    Open,
}

struct Scene {
    manager: ApprovalManager,
    clock: FakeClock,
    store: Arc<dyn Store>,
}

/// One call.
struct Made<'a> {
    action: &'a str,
    agent: &'a str,
    risk: Risk,
    /// Whether the action names its approvers itself.
    itself: bool,
    arguments: Value,
    attached: bool,
    end: End,
    by: &'a str,
}

impl Default for Made<'_> {
    fn default() -> Self {
        let arguments = json!({ "to": "customer", "cents": 100 });
        Self {
            action: "mail.send",
            agent: "clerk",
            risk: Risk::Low,
            itself: false,
            arguments,
            attached: false,
            end: End::Runs,
            by: ANN,
        }
    }
}

impl Scene {
    fn new(folder: &Path, file: &str) -> Self {
        let clock = FakeClock::at("2026-01-14T12:00:00Z");
        let store =
            SqliteStore::builder(folder.join("approvals.db")).clock(Arc::new(clock.clone())).open().unwrap();
        let store: Arc<dyn Store> = Arc::new(store);
        let rules = ApprovalsFile::parse("approvals.yaml", file).unwrap().policy.unwrap();
        let people =
            approval_core::directory::StaticDirectory::new().group("group:desk", [ANN, BOB]).unwrap();
        let builder =
            ApprovalManager::builder().shared_store(Arc::clone(&store)).clock(Arc::new(clock.clone()));
        // Time leaps here: no process is lost for that.
        let builder = builder.lease(Span::from_hours(24 * 365));
        let manager = builder.policy(rules).directory(people).unattended().build().unwrap();
        Self { manager, clock, store }
    }

    /// Makes a call, some minutes after the one before; it is decided within two.
    async fn make(&self, made: Made<'_>) {
        let action = Action::new(made.action).unwrap().describe(|action| {
            let action = action
                .risk(made.risk)
                .cost("{cents} / 100 USD")
                .timeout(Span::from_mins(10))
                .editable("cents", None);
            if made.itself { action.approvers([ANN]) } else { Ok(action) }
        });
        let mut action = action.unwrap().arguments(&made.arguments).unwrap();
        if made.attached {
            action = action.attach(Attachment::text("list.txt", "all of them").unwrap()).unwrap();
        }
        let asked =
            Context::new().agent(made.agent).unwrap().scope(self.manager.request(action)).await.unwrap();
        let id = asked.id();
        self.clock.advance(Span::from_secs(90));
        let seen = self.manager.get(id).await.unwrap();
        let decider = self.manager.decider("desk");
        let by = Principal::new(made.by).unwrap();
        match made.end {
            End::Rejected => {
                for by in [ANN, BOB] {
                    decider.reject(&seen, &Principal::new(by).unwrap(), Some("no")).await.unwrap();
                }
            }
            End::Reconsidered => {
                decider.reject(&seen, &by, Some("no")).await.unwrap();
                decider.approve(&seen, &by, Some("well, yes")).await.unwrap();
            }
            End::Edited => {
                let edit = Edit { path: "cents".into(), value: to_canonical(&1).unwrap() };
                decider.approve_edited(&seen, &by, vec![edit], None).await.unwrap();
            }
            End::Revoked => {
                decider.approve(&seen, &by, None).await.unwrap();
                drop(self.manager.revoke(id, &by, "after all not").await.unwrap());
            }
            End::Expired => {
                self.clock.advance_and_settle(Span::from_mins(11)).await;
                let expired = self.manager.attach(id).await.unwrap().await;
                assert!(expired.is_err());
            }
            End::TakenBack => drop(
                Context::new()
                    .agent(made.agent)
                    .unwrap()
                    .scope(self.manager.requester().cancel(id, "never mind"))
                    .await
                    .unwrap(),
            ),
            End::Open => {}
            End::Runs | End::Fails => {
                decider.approve(&seen, &by, None).await.unwrap();
                if made.itself {
                    // One for the action, and one for the rule.
                    decider.approve(&seen, &Principal::new(BOB).unwrap(), None).await.unwrap();
                }
                let approved =
                    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("it is decided");
                let execution = approved.unwrap().begin().await.unwrap();
                match made.end {
                    End::Fails => execution.failed("broken").await,
                    _ => execution.succeeded(None).await,
                }
            }
        }
        self.clock.advance(Span::from_mins(3));
    }

    async fn end(self) {
        self.manager.shutdown().await.unwrap();
        self.store.close().await.unwrap();
    }
}

/// A history, made by `calls` under `file`; where the store and the file lie.
fn scene<F: Future<Output = ()>>(
    folder: &Path,
    file: &str,
    calls: impl FnOnce(Arc<Scene>) -> F,
) -> (String, String) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let scene = Arc::new(Scene::new(folder, file));
        calls(Arc::clone(&scene)).await;
        Arc::into_inner(scene).unwrap().end().await;
    });
    let path = folder.join("approvals.yaml");
    fs::write(&path, file).unwrap();
    (path.display().to_string(), format!("sqlite:{}", folder.join("approvals.db").display()))
}

/// The text that a unified diff makes of another, by the rules of the format; every line that it tells must be there.
fn patched(text: &str, diff: &str) -> String {
    let mut old = text.lines();
    let mut new = Vec::new();
    let mut place = 0;
    for line in diff
        .lines()
        .filter(|line| !line.starts_with("--- ") && !line.starts_with("+++ ") && !line.starts_with('#'))
    {
        if let Some(ranges) = line.strip_prefix("@@ -") {
            let begin: usize = ranges.split([',', ' ']).next().unwrap().parse().unwrap();
            while place + 1 < begin {
                new.push(old.next().unwrap());
                place += 1;
            }
        } else if let Some(added) = line.strip_prefix('+') {
            new.push(added);
        } else {
            assert_eq!(line.strip_prefix(' '), old.next(), "what the diff is put into");
            new.push(line.strip_prefix(' ').unwrap());
            place += 1;
        }
    }
    new.extend(old);
    new.join("\n") + "\n"
}

/// What a file says about a call.
fn says(file: &str, made: &Made<'_>, now: &str) -> (&'static str, String) {
    let rules = ApprovalsFile::parse("patched.yaml", file).unwrap().policy.unwrap();
    let mut sample = SampleCall::new(
        made.action.parse().unwrap(),
        to_canonical(&made.arguments).unwrap(),
        now.parse().unwrap(),
    );
    sample.agent = Principal::agent(made.agent).unwrap();
    sample.risk = made.risk;
    let cents = made.arguments["cents"].as_i64().unwrap();
    sample.cost = Some(format!("{}.{:02} USD", cents / 100, cents % 100).parse::<Money>().unwrap());
    if made.itself {
        sample = sample.approvers([Principal::new(ANN).unwrap()]);
    }
    let told = rules.explain(&sample.call());
    (told.outcome, told.rule)
}

const DAY: &str = "2026-03-01T12:00:00Z";
const NIGHT: &str = "2026-03-01T03:00:00Z";

#[test]
fn what_was_always_approved_becomes_a_rule_that_is_bounded_to_what_was_seen() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = scene(folder.path(), FILE, async |scene| {
        for number in 0..22_i64 {
            let arguments = json!({ "to": "customer", "cents": 100 + 5 * number });
            let by = if number < 4 { BOB } else { ANN };
            let risk = if number == 9 { Risk::Minimal } else { Risk::Low };
            scene.make(Made { risk, arguments, by, ..Made::default() }).await;
        }
        // What is too little.
        scene.make(Made { action: "mail.archive", ..Made::default() }).await;
        // What says nothing.
        scene.make(Made { end: End::TakenBack, ..Made::default() }).await;
        scene.make(Made { end: End::Open, ..Made::default() }).await;
    });
    let (status, out, errors) = approvals(&[&file, "--store", &store]);
    assert_eq!((status, errors.as_str()), (0, ""));
    let expected = format!(
        r#"# {file}: 1 rule suggested by 25 requests
# none for mail.archive, 1 times approved: fewer than 20
--- {file}
+++ {file}
@@ -7,6 +7,18 @@
       when: now.getHours() < 6
       deny: mail is sent by day
 
+    # 22 calls from 2026-01-14 to 2026-01-14, all approved: user:ann@example.com 18, user:bob@example.com 4; half of them within 1m 30s
+    - name: always approved mail.send
+      action: mail.send
+      when: >-
+        (risk <= 'medium')
+        && risk in ["minimal", "low"]
+        && cost_usd != null && cost_usd <= 2.05
+        && args.all(name, name in ["cents", "to"]) && size(args) == 2
+        && type(args.cents) == int && args.cents >= 100 && args.cents <= 205
+        && args.to == "customer"
+      allow: true
+
     # Mail to customers.
     - name: mail
       action: mail.*
"#
    );
    assert_eq!(out, expected);
    assert_eq!(approvals(&[&file, "--store", &store]).1, out, "the same history, the same text");

    let text = patched(FILE, &out);
    fs::write(&file, &text).unwrap();
    let mut checked = (Vec::new(), Vec::new());
    assert_eq!(approval_cli::run(["approvals", "policy", "check", &file], &mut checked.0, &mut checked.1), 0);
    let allowed = ("allow", "always approved mail.send".to_owned());
    let (asked, denied) = (("ask", "mail".to_owned()), ("deny", "night".to_owned()));
    let call =
        |to: &str, cents: i64| Made { arguments: json!({ "to": to, "cents": cents }), ..Made::default() };
    assert_eq!(says(&text, &call("customer", 150), DAY), allowed);
    assert_eq!(says(&text, &Made { agent: "another", ..call("customer", 205) }, DAY), allowed);
    for made in [
        call("customer", 206),
        call("customer", 99),
        call("somebody", 150),
        Made { risk: Risk::Medium, ..call("customer", 150) },
        Made { arguments: json!({ "to": "customer", "cents": 150, "bcc": "all" }), ..Made::default() },
        Made { arguments: json!({ "cents": 150 }), ..Made::default() },
        Made { arguments: json!({ "cents": 150, "to": 7 }), ..Made::default() },
        Made { action: "mail.archive", ..call("customer", 150) },
    ] {
        assert_eq!(says(&text, &made, DAY), asked, "{}", made.arguments);
    }
    assert_eq!(says(&text, &call("customer", 150), NIGHT), denied, "what is denied stays so");
    // Once it is in the file, it is not suggested again.
    let (_, again, _) = approvals(&[&file, "--store", &store]);
    assert!(
        again.contains(
            "# none for mail.send, 22 times approved: the rule always approved mail.send lets them run"
        ),
        "{again}"
    );
    assert!(!again.contains("+++"), "{again}");
}

#[test]
fn one_call_that_went_another_way_is_enough_to_suggest_nothing() {
    for (end, why) in [
        (End::Rejected, "1 rejected"),
        (End::Reconsidered, "1 voted against"),
        (End::Edited, "1 edited"),
        (End::Fails, "1 failed"),
        (End::Revoked, "1 revoked"),
        (End::Expired, "1 left undecided"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let (file, store) = scene(folder.path(), FILE, async |scene| {
            for _ in 0..3 {
                scene.make(Made::default()).await;
            }
            scene.make(Made { end, ..Made::default() }).await;
        });
        let (status, out, errors) = approvals(&[&file, "--store", &store, "--at-least", "2"]);
        assert_eq!(status, 0, "{errors}");
        assert!(
            out.contains(&format!("# none for mail.send, 3 times approved: not always approved: {why}\n")),
            "{out}"
        );
        assert!(!out.contains("+++"), "{why}: {out}");
    }
}

#[test]
fn nothing_of_high_risk_is_suggested_and_agents_are_told_apart() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = scene(folder.path(), FILE, async |scene| {
        for agent in ["clerk", "intern"] {
            for _ in 0..3 {
                scene.make(Made { agent, ..Made::default() }).await;
            }
        }
        scene.make(Made { agent: "intern", end: End::Rejected, ..Made::default() }).await;
        for attached in [false, false, true] {
            scene.make(Made { action: "mail.attach", attached, ..Made::default() }).await;
        }
        for risk in [Risk::Low, Risk::Low, Risk::Low, Risk::High] {
            scene.make(Made { action: "db.write", risk, ..Made::default() }).await;
        }
    });
    let (status, out, errors) = approvals(&[&file, "--store", &store, "--at-least", "3", "--json"]);
    assert_eq!(status, 0, "{errors}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let rules = told["rules"].as_array().unwrap();
    assert_eq!(rules.len(), 1, "{out}");
    assert_eq!((&rules[0]["agent"], &rules[0]["approved"]), (&json!("agent:clerk"), &json!(3)));
    assert_eq!((&rules[0]["median_seconds"], &rules[0]["before"]), (&json!(90), &json!("mail")));
    assert_eq!(rules[0]["by"], json!([{ "who": ANN, "approved": 3 }]));
    let passed: Vec<(&str, &str)> = told["passed_over"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["action"].as_str().unwrap(), one["why"].as_str().unwrap()))
        .collect();
    let expected = [
        ("db.write", "its risk is high or critical"),
        ("mail.attach", "some have attachments, which no condition sees"),
        ("mail.send", "not always approved: 1 rejected"),
    ];
    assert_eq!(passed, expected);
    let text = patched(FILE, told["diff"].as_str().unwrap());
    let rule = "always approved mail.send of agent:clerk".to_owned();
    assert_eq!(says(&text, &Made::default(), DAY), ("allow", rule));
    assert_eq!(says(&text, &Made { agent: "intern", ..Made::default() }, DAY), ("ask", "mail".to_owned()));
    assert_eq!(says(&text, &Made { agent: "intern", risk: Risk::High, ..Made::default() }, DAY).0, "ask");
}

#[test]
fn a_rule_that_does_not_fit_is_left_out_and_those_around_it_stay() {
    // Rules of these agents have the same name, which is cut after 80 bytes.
    let long = "clerk-".repeat(11);
    let [first, second] = ["a", "b"].map(|end| format!("{long}{end}"));
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = scene(folder.path(), FILE, async |scene| {
        for _ in 0..3 {
            for agent in [&first, &second] {
                scene.make(Made { agent, ..Made::default() }).await;
            }
            for action in ["mail.read", "mail.sort", "mail.wipe"] {
                scene.make(Made { action, ..Made::default() }).await;
            }
        }
        scene.make(Made { end: End::Rejected, ..Made::default() }).await;
        scene.make(Made { action: "mail.archive", ..Made::default() }).await;
    });
    let (status, out, errors) = approvals(&[&file, "--store", &store, "--at-least", "3", "--json"]);
    assert_eq!(status, 0, "{errors}");
    let told: Value = serde_json::from_str(&out).unwrap();
    let of = |list: &str| -> Vec<(String, Option<String>)> {
        let list = told[list].as_array().unwrap().iter();
        list.map(|one| (one["action"].as_str().unwrap().to_owned(), one["agent"].as_str().map(str::to_owned)))
            .collect()
    };
    let plain = |action: &str| (action.to_owned(), None);
    let agent = |name: &str| ("mail.send".to_owned(), Some(format!("agent:{name}")));
    assert_eq!(of("rules"), [plain("mail.read"), agent(&first), plain("mail.sort"), plain("mail.wipe")]);
    assert_eq!(of("passed_over"), [plain("mail.archive"), plain("mail.send"), agent(&second)]);
    let why = told["passed_over"][2]["why"].as_str().unwrap();
    assert!(why.starts_with("the file would have a mistake: "), "{why}");
    let text = patched(FILE, told["diff"].as_str().unwrap());
    for action in ["mail.read", "mail.sort", "mail.wipe"] {
        let allowed = ("allow", format!("always approved {action}"));
        assert_eq!(says(&text, &Made { action, ..Made::default() }, DAY), allowed);
    }
    assert_eq!(says(&text, &Made { agent: &first, ..Made::default() }, DAY).0, "allow");
    assert_eq!(says(&text, &Made { agent: &second, ..Made::default() }, DAY).0, "ask");
}

#[test]
fn short_forms_flat_files_and_actions_that_name_their_approvers_are_understood() {
    let short = "policy:\n  # What costs.\n  cost_threshold_usd: 0.5\n  default_approvers: group:desk\n  defaults: {outcome: deny}\n";
    let none = "directory:\n  people:\n    user:ann@example.com:\n";
    let named = "policy:\n  rules:\n  - {name: all, ask: group:desk}\n  defaults: {timeout: 1h}\n";
    let flow = "policy: {rules: [{name: all, ask: group:desk}]}\n";
    for (file, itself) in [(short, false), (none, false), (named, true), (flow, false)] {
        let folder = tempfile::tempdir().unwrap();
        let asks = if file == none { "policy:\n  defaults: {approvers: group:desk}\n" } else { file };
        let (path, store) = scene(folder.path(), asks, async |scene| {
            for cents in [60, 70, 80] {
                let arguments = json!({ "to": "customer", "cents": cents });
                scene.make(Made { itself, arguments, ..Made::default() }).await;
            }
        });
        fs::write(&path, file).unwrap();
        let (status, out, errors) = approvals(&[&path, "--store", &store, "--at-least", "3"]);
        assert_eq!(status, 0, "{errors}");
        if file == flow {
            assert!(out.contains("stand in braces or brackets") && !out.contains("+++"), "{out}");
            continue;
        }
        let text = patched(file, &out);
        let made = Made { itself, arguments: json!({ "to": "customer", "cents": 70 }), ..Made::default() };
        let rule = "always approved mail.send".to_owned();
        assert_eq!(says(&text, &made, DAY), ("allow", rule), "{out}");
        assert_eq!(text.contains("may_relax: true"), itself, "{text}");
        // Below the threshold another rule decides, and still does.
        let below = Made { arguments: json!({ "to": "customer", "cents": 40 }), ..made };
        assert_ne!(says(&text, &below, DAY).0, "allow", "{text}");
        if file == short {
            assert!(
                text.starts_with("policy:\n  rules:\n    # 3 calls") && text.contains("cost_usd >= 0.6 &&"),
                "{text}"
            );
        }
    }
}

#[test]
fn what_cannot_be_read_is_told() {
    let folder = tempfile::tempdir().unwrap();
    let (file, store) = scene(folder.path(), FILE, async |scene| scene.make(Made::default()).await);
    let (status, _, errors) = approvals(&[&file, "--store", "sqlite:/nowhere.db"]);
    assert!(status == 2 && errors.contains("there is no file /nowhere.db"), "{errors}");
    let (status, _, errors) = approvals(&["/nowhere.yaml", "--store", &store]);
    assert!(status == 2 && errors.contains("/nowhere.yaml"), "{errors}");
    fs::write(&file, "policy: {rulez: []}\n").unwrap();
    let (status, _, errors) = approvals(&[&file, "--store", &store]);
    assert!(status == 1 && errors.contains("unknown key `rulez`"), "{errors}");
    let (status, _, errors) = approvals(&[&file, "--store", &store, "--at-least", "0"]);
    assert!(status == 2 && errors.contains("--at-least"), "{errors}");
    fs::write(&file, FILE).unwrap();
    let (_, out, _) = approvals(&[&file, "--store", &store, "--since", "2026-02-01"]);
    assert_eq!(out, format!("# {file}: 0 rules suggested by 0 requests\n"));
    let (_, out, _) = approvals(&[&file, "--store", &store, "--namespace", "another"]);
    assert!(out.contains("by 0 requests"), "{out}");
}
