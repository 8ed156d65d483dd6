//! Whether a file that is read again may count: it never loosens by leaving out.

use std::path::Path;

use super::ApprovalsFile;

/// What `before` writes down and `after` does not mention, each with the text that leaves it out on purpose.
pub(super) fn left_out(before: &ApprovalsFile, after: &ApprovalsFile) -> Vec<(String, String)> {
    let gone = before.sections.iter().filter(|section| !after.sections.contains(section));
    let mut missing: Vec<(String, String)> = gone
        .map(|section| {
            // What stands in `server` and `channels` belongs to other crates, so there is no word for nothing.
            let nothing = if matches!(*section, "policy" | "directory") { "none" } else { "{}" };
            (format!("`{section}`"), format!("{section}: {nothing}"))
        })
        .collect();
    if let (Some(before), Some(after)) = (&before.policy, &after.policy) {
        let left_out = before.left_out_by(after).into_iter();
        missing.extend(left_out.map(|one| {
            let what =
                if one.what.contains(' ') { one.what.to_owned() } else { format!("`policy.{}`", one.what) };
            (what, one.write.to_owned())
        }));
    }
    if let (Some(before), Some(after)) = (&before.directory, &after.directory) {
        missing.extend(before.left_out_by(after));
    }
    missing
}

/// Why the file does not count, and what to write.
pub(super) fn refusal(path: &Path, missing: &[(String, String)]) -> String {
    let each = missing.iter().map(|(what, write)| format!("{what} (if that is meant, write `{write}`)"));
    let each: Vec<String> = each.collect();
    format!("{} leaves out what restricted calls before: {}", path.display(), each.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> ApprovalsFile {
        match ApprovalsFile::parse("approvals.yaml", text) {
            Ok(file) => file,
            Err(mistakes) => panic!("{text}: {mistakes}"),
        }
    }

    /// What is missing, as it is to be written.
    fn missing(before: &str, after: &str) -> Vec<String> {
        left_out(&file(before), &file(after)).into_iter().map(|(_, write)| write).collect()
    }

    const WINDOW: &str = "defaults: {run_window: {mon-fri: 09:00-17:00, time_zone: Europe/Berlin}}";
    const PEOPLE: &str = "directory: {people: {user:ann: }}";

    #[test]
    fn a_section_that_is_left_out_is_named() {
        let both = format!("{PEOPLE}\npolicy: {{rules: [{{name: a, ask: user:ann}}]}}\n");
        assert_eq!(missing(&both, PEOPLE), ["policy: none"]);
        assert_eq!(missing(&both, "policy: {rules: [{name: a, ask: user:ann}]}"), ["directory: none"]);
        assert_eq!(missing(&both, "server: {}"), ["policy: none", "directory: none"]);
        let served = "policy: {autonomy: 2}\nserver: {port: 1}\nchannels: {mail: {}}\n";
        assert_eq!(missing(served, "policy: {autonomy: 2}"), ["server: {}", "channels: {}"]);
        for stated in ["policy: none\ndirectory: none", "directory: none\npolicy: {rules: []}"] {
            assert!(missing(&both, stated).is_empty(), "{stated}");
        }
        assert!(missing(PEOPLE, &both).is_empty(), "more is no loosening");
    }

    #[test]
    fn rules_that_deny_are_left_out_only_by_name() {
        let deny = "policy: {rules: [{name: no, action: db.drop, deny: never}, {name: a, ask: user:ann}]}";
        let rest = "rules: [{name: a, ask: user:ann}]";
        assert_eq!(missing(deny, &format!("policy: {{{rest}}}")), ["deny: none"]);
        assert_eq!(missing(deny, "policy: {rules: []}"), ["deny: none"]);
        assert_eq!(missing(deny, "policy: {limits: []}"), ["rules: []", "deny: none"]);
        let shadow = "policy: {rules: [{name: no, action: db.drop, deny: never, shadow: true}]}";
        assert_eq!(missing(deny, shadow), ["deny: none"], "a rule in the shadow denies nothing");
        assert!(missing(deny, &format!("policy: {{deny: none, {rest}}}")).is_empty());
        assert!(missing(deny, "policy: {rules: [{name: other, action: db.*, deny: no}]}").is_empty());
        assert!(missing(deny, "policy: {rules: [], defaults: {outcome: deny}}").is_empty(), "all is denied");
        let tiers = "policy: {risk_tiers: {critical: deny}}";
        assert_eq!(missing(tiers, "policy: {risk_tiers: {critical: ask}}"), ["deny: none"]);
        assert_eq!(missing(tiers, "policy: {risk_tiers: none}"), ["deny: none"]);
    }

    #[test]
    fn every_key_that_restricts_is_named() {
        for (before, after, write) in [
            ("limits: [{name: few, calls: 3}]", "rules: []", "limits: []"),
            ("required_for: [a.b]", "rules: []", "required_for: none"),
            ("cost_threshold_usd: 10", "rules: []", "cost_threshold_usd: none"),
            ("risk_tiers: {high: ask}", "rules: []", "risk_tiers: none"),
            ("autonomy: 2", "rules: []", "autonomy: none"),
            ("rules: [{name: a, ask: user:ann}]", "defaults: {outcome: allow}", "rules: []"),
            ("defaults: {outcome: deny}", "rules: []", "outcome: ask"),
            ("defaults: {outcome: deny}", "defaults: {timeout: 1h}", "outcome: ask"),
            ("defaults: {excluded: user:eve}", "defaults: {timeout: 1h}", "excluded: none"),
            ("defaults: {delegation: forbidden}", "rules: []", "delegation: directory"),
            ("defaults: {delegation: user:eve}", "rules: []", "delegation: directory"),
            ("defaults: {veto: 2}", "defaults: {outcome: ask}", "veto: none"),
            ("defaults: {timeout: 4h}", "rules: []", "timeout: none"),
            ("ttl_seconds: 60", "rules: []", "timeout: none"),
            ("defaults: {on_timeout: reject}", "rules: []", "on_timeout: none"),
            ("fallback_when_not_approved: stop", "rules: []", "on_timeout: none"),
            ("defaults: {grant_ttl: 5m}", "rules: []", "grant_ttl: none"),
            (WINDOW, "defaults: {timeout: 1h}", "run_window: none"),
            (
                "defaults: {approvers: user:eve, outside_hours: queue}",
                "defaults: {approvers: user:eve}",
                "outside_hours: none",
            ),
        ] {
            let policy = |text: &str| format!("policy: {{{text}}}");
            assert_eq!(missing(&policy(before), &policy(after)), [write], "{before}");
            let stated = match write.split_once(':') {
                Some((
                    "rules" | "limits" | "required_for" | "cost_threshold_usd" | "risk_tiers" | "autonomy",
                    _,
                )) => write.to_owned(),
                _ => format!("defaults: {{{write}}}"),
            };
            assert!(missing(&policy(before), &policy(&stated)).is_empty(), "{stated}");
        }
        assert!(missing("policy: {limits: []}", "policy: {rules: []}").is_empty(), "nothing was limited");
        for (before, after) in [
            ("defaults: {timeout: 4h}", "ttl_seconds: 60"),
            ("ttl_seconds: 60", "defaults: {timeout: 4h}"),
            ("fallback_when_not_approved: stop", "defaults: {on_timeout: escalate}"),
            ("defaults: {on_timeout: approve}", "rules: []"),
            ("defaults: {delegation: directory}", "rules: []"),
            ("defaults: {approvers: user:eve, outside_hours: everyone}", "defaults: {approvers: user:eve}"),
            ("defaults: {veto: none, timeout: none, on_timeout: none, grant_ttl: none}", "rules: []"),
            ("defaults: {run_window: none, outside_hours: none, delegation: none}", "rules: []"),
        ] {
            let missing = missing(&format!("policy: {{{before}}}"), &format!("policy: {{{after}}}"));
            assert!(missing.is_empty(), "{before} to {after}: {missing:?}");
        }
        assert!(
            missing("policy: {defaults: {outcome: deny}}", "policy: {defaults: {outcome: allow}}").is_empty()
        );
    }

    #[test]
    fn every_section_is_named() {
        for section in crate::file::SECTIONS {
            let body = match section {
                "policy" => "{rules: []}",
                "directory" => "{people: {user:ann: }}",
                _ => "{}",
            };
            let (before, after) = (format!("{section}: {body}"), "other");
            let rest = crate::file::SECTIONS.into_iter().find(|other| *other != section).unwrap_or(after);
            let rest = format!(
                "{rest}: {}",
                if rest == "policy" { "{rules: []}" } else { "{people: {user:ann: }}" }
            );
            let missing = missing(&before, &rest);
            assert!(missing.len() == 1 && missing[0].starts_with(section), "{section}: {missing:?}");
        }
    }

    #[test]
    fn none_in_a_rule_is_no_time() {
        for key in ["timeout", "grant_ttl", "on_timeout", "veto", "run_window", "delegation"] {
            let text = format!("policy: {{rules: [{{name: a, ask: {{approvers: user:ann, {key}: none}}}}]}}");
            let mistakes = ApprovalsFile::parse("approvals.yaml", &text).unwrap_err().to_string();
            assert!(mistakes.contains(key), "{mistakes}");
        }
    }

    #[test]
    fn deny_none_beside_a_rule_that_denies_is_a_mistake() {
        for (text, wanted) in [
            ("policy: {deny: none, rules: [{name: no, deny: never}]}", "stands beside the rule `no`"),
            ("policy: {deny: [db.drop]}", "is not `none`"),
            ("policy: {deny: 'none'}", "is not `none`"),
        ] {
            let mistakes = ApprovalsFile::parse("approvals.yaml", text).unwrap_err().to_string();
            assert!(mistakes.contains(wanted), "{mistakes}");
        }
    }
}
