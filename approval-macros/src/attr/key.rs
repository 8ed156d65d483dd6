//! Which keys there are and how each is written.

/// How a key is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `idempotent`
    Flag,
    /// `risk = "high"`
    Value,
    /// `allow_self_approval`, or `allow_self_approval = false`
    Switch,
    /// `editable(cents)`
    List,
}

/// A key, its form, and an example of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) example: &'static str,
}

const fn flag(name: &'static str) -> Key {
    Key { name, form: Form::Flag, example: name }
}

const fn switch(name: &'static str, example: &'static str) -> Key {
    Key { name, form: Form::Switch, example }
}

const fn value(name: &'static str, example: &'static str) -> Key {
    Key { name, form: Form::Value, example }
}

const fn list(name: &'static str, example: &'static str) -> Key {
    Key { name, form: Form::List, example }
}

/// Every key that `#[guarded_action]` knows.
pub(crate) const KEYS: [Key; 37] = [
    value("name", "name = \"payments.refund\""),
    value("version", "version = 2"),
    value("kind", "kind = \"purchase\""),
    value("description", "description = \"Refund {cents} cents\""),
    value("risk", "risk = \"high\""),
    value("cost", "cost = \"{cents} / 100 USD\""),
    value("priority", "priority = \"high\""),
    list("approvers", "approvers(\"user:ann@example.com\", \"group:finance\")"),
    list("require", "require(2, \"group:finance\")"),
    list("remind", "remind(every = \"5m\", at_most = 3)"),
    list("escalate", "escalate(after = \"10m\", to(\"group:oncall\"))"),
    value("timeout", "timeout = \"15m\""),
    value("on_timeout", "on_timeout = \"reject\""),
    value("wait", "wait = \"30s\""),
    value("grant_ttl", "grant_ttl = \"15m\""),
    value("run_window", "run_window = \"mon-fri 09:00-17:00 Europe/Berlin\""),
    value("mode", "mode = \"suspend\""),
    value("manager", "manager = self.approvals"),
    value("key", "key = args.order_id"),
    value("attachments", "attachments = args.invoice()"),
    value("preview", "preview = count_rows(&args).await"),
    value("preview_timeout", "preview_timeout = \"5s\""),
    list("editable", "editable(cents)"),
    list("redact", "redact(args.token)"),
    list("skip", "skip(client)"),
    value("refuse_with", "refuse_with = refused"),
    value("failed_if", "failed_if = is_error"),
    value("reject_options", "reject_options = RefundRejected"),
    value("veto", "veto = 2"),
    flag("credits"),
    flag("idempotent"),
    flag("replay"),
    switch("allow_self_approval", "allow_self_approval = false"),
    flag("cancel_on_drop"),
    value("crate", "crate = ::approval_core"),
    // Words that people try first; each has its own answer.
    value("agent", ""),
    value("requester", ""),
];

/// The key called `name`.
pub(crate) fn find(name: &str) -> Option<Key> {
    KEYS.into_iter().find(|key| key.name == name)
}

/// The names of the keys that can be used, for suggestions.
pub(crate) fn names() -> Vec<&'static str> {
    KEYS.iter().filter(|key| !key.example.is_empty()).map(|key| key.name).collect()
}
