//! Which keys there are and how each is written. A key is a variant, so that what reads them names each: a new one does not
//! compile until it has an arm of its own.

/// How a key is written, and which one it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// `idempotent`
    Flag(Flag),
    /// `risk = "high"`
    Value(Value),
    /// `allow_self_approval`, or `allow_self_approval = false`
    Switch(Switch),
    /// `editable(cents)`
    List(List),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    CancelOnDrop,
    Credits,
    Idempotent,
    Replay,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Switch {
    AllowSelfApproval,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum List {
    Approvers,
    Escalate,
    Paths(Paths),
    Remind,
    Require,
}

/// A list of parameters, or of fields of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Paths {
    Editable,
    Redact,
    Skip,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Value {
    Crate,
    Expression(Expression),
    Function(Function),
    Number(Number),
    RejectOptions,
    Text(Text),
}

/// Any expression.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expression {
    Attachments,
    Key,
    Manager,
    Preview,
}

/// The path of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Function {
    FailedIf,
    RefuseWith,
}

/// A whole number from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Number {
    Version,
    Veto,
}

/// A string literal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    Cost,
    Description,
    GrantTtl,
    Kind,
    Mode,
    Name,
    OnTimeout,
    PreviewTimeout,
    Priority,
    Risk,
    RunWindow,
    Timeout,
    Wait,
}

/// A key, its form, and an example of it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Key {
    pub(crate) name: &'static str,
    pub(crate) form: Form,
    pub(crate) example: &'static str,
}

const fn flag(name: &'static str, flag: Flag) -> Key {
    Key { name, form: Form::Flag(flag), example: name }
}

const fn list(name: &'static str, list: List, example: &'static str) -> Key {
    Key { name, form: Form::List(list), example }
}

const fn paths(name: &'static str, paths: Paths, example: &'static str) -> Key {
    list(name, List::Paths(paths), example)
}

const fn value(name: &'static str, value: Value, example: &'static str) -> Key {
    Key { name, form: Form::Value(value), example }
}

const fn text(name: &'static str, text: Text, example: &'static str) -> Key {
    value(name, Value::Text(text), example)
}

const fn number(name: &'static str, number: Number, example: &'static str) -> Key {
    value(name, Value::Number(number), example)
}

const fn expression(name: &'static str, expression: Expression, example: &'static str) -> Key {
    value(name, Value::Expression(expression), example)
}

const fn function(name: &'static str, function: Function, example: &'static str) -> Key {
    value(name, Value::Function(function), example)
}

/// Every key that `#[guarded_action]` knows.
pub(crate) const KEYS: [Key; 35] = [
    text("name", Text::Name, "name = \"payments.refund\""),
    number("version", Number::Version, "version = 2"),
    text("kind", Text::Kind, "kind = \"purchase\""),
    text("description", Text::Description, "description = \"Refund {cents} cents\""),
    text("risk", Text::Risk, "risk = \"high\""),
    text("cost", Text::Cost, "cost = \"{cents} / 100 USD\""),
    text("priority", Text::Priority, "priority = \"high\""),
    list("approvers", List::Approvers, "approvers(\"user:ann@example.com\", \"group:finance\")"),
    list("require", List::Require, "require(2, \"group:finance\")"),
    list("remind", List::Remind, "remind(every = \"5m\", at_most = 3)"),
    list("escalate", List::Escalate, "escalate(after = \"10m\", to(\"group:oncall\"))"),
    text("timeout", Text::Timeout, "timeout = \"15m\""),
    text("on_timeout", Text::OnTimeout, "on_timeout = \"reject\""),
    text("wait", Text::Wait, "wait = \"30s\""),
    text("grant_ttl", Text::GrantTtl, "grant_ttl = \"15m\""),
    text("run_window", Text::RunWindow, "run_window = \"mon-fri 09:00-17:00 Europe/Berlin\""),
    text("mode", Text::Mode, "mode = \"suspend\""),
    expression("manager", Expression::Manager, "manager = self.approvals"),
    expression("key", Expression::Key, "key = args.order_id"),
    expression("attachments", Expression::Attachments, "attachments = args.invoice()"),
    expression("preview", Expression::Preview, "preview = count_rows(&args).await"),
    text("preview_timeout", Text::PreviewTimeout, "preview_timeout = \"5s\""),
    paths("editable", Paths::Editable, "editable(cents)"),
    paths("redact", Paths::Redact, "redact(args.token)"),
    paths("skip", Paths::Skip, "skip(client)"),
    function("refuse_with", Function::RefuseWith, "refuse_with = refused"),
    function("failed_if", Function::FailedIf, "failed_if = is_error"),
    value("reject_options", Value::RejectOptions, "reject_options = RefundRejected"),
    number("veto", Number::Veto, "veto = 2"),
    flag("credits", Flag::Credits),
    flag("idempotent", Flag::Idempotent),
    flag("replay", Flag::Replay),
    Key {
        name: "allow_self_approval",
        form: Form::Switch(Switch::AllowSelfApproval),
        example: "allow_self_approval = false",
    },
    flag("cancel_on_drop", Flag::CancelOnDrop),
    value("crate", Value::Crate, "crate = ::approval_core"),
];

/// Words that people try first, and that are no keys.
pub(crate) const NOT_HERE: [&str; 2] = ["agent", "requester"];

/// The key called `name`.
pub(crate) fn find(name: &str) -> Option<Key> {
    KEYS.into_iter().find(|key| key.name == name)
}

/// The names of the keys, for suggestions.
pub(crate) fn names() -> Vec<&'static str> {
    KEYS.iter().map(|key| key.name).collect()
}
