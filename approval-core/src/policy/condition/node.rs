//! A condition as it is evaluated: what the parser of CEL made of it, with names, functions and macros resolved.

use cel::{
    IdedExpr,
    common::ast::{CallExpr, ComprehensionExpr, Expr, LiteralValue, operators},
};

use super::{
    moment::{self, Part},
    number::{Form, Number},
    pattern::{Pattern, Patterns},
    value::{TYPES, Value},
};

/// An expression.
#[derive(Debug)]
pub(super) enum Node {
    Literal(Value<'static>),
    Text(Box<str>),
    Bytes(Box<[u8]>),
    Variable(Variable),
    /// A variable of a loop, counted from the outermost loop.
    Bound(usize),
    /// `of.name`, or `has(of.name)`.
    Field {
        of: Box<Self>,
        name: Box<str>,
        test: bool,
    },
    Index(Box<[Self; 2]>),
    Conditional(Box<[Self; 3]>),
    And(Box<[Self; 2]>),
    Or(Box<[Self; 2]>),
    Not(Box<Self>),
    Negate(Box<Self>),
    Compare(Comparison, Box<[Self; 2]>),
    Arithmetic(Sign, Box<[Self; 2]>),
    In(Box<[Self; 2]>),
    List(Box<[Self]>),
    Call(Function, Box<[Self]>),
    Matches(Box<Self>, Pattern),
    Loop(Box<Loop>),
}

/// What a condition can name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Variable {
    Action,
    Args,
    Agent,
    OnBehalfOf,
    Run,
    Risk,
    CostUsd,
    Now,
    SpentUsd,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sign {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Function {
    Contains,
    StartsWith,
    EndsWith,
    Size,
    String,
    Int,
    Uint,
    Double,
    Bool,
    Dyn,
    Type,
    Timestamp,
    Part(Part),
}

/// `range.all(x, …)` and its kin.
#[derive(Debug)]
pub(super) struct Loop {
    pub(super) range: Node,
    pub(super) kind: LoopKind,
}

#[derive(Debug)]
pub(super) enum LoopKind {
    All(Node),
    Exists(Node),
    ExistsOne(Node),
    /// `map(x, item)`, `map(x, only, item)` and `filter(x, only)`.
    Map {
        only: Option<Node>,
        item: Node,
    },
}

impl Variable {
    /// Every variable, under its name.
    pub(super) const ALL: [(&'static str, Self); 9] = [
        ("action", Self::Action),
        ("args", Self::Args),
        ("agent", Self::Agent),
        ("on_behalf_of", Self::OnBehalfOf),
        ("run", Self::Run),
        ("risk", Self::Risk),
        ("cost_usd", Self::CostUsd),
        ("now", Self::Now),
        ("spent_usd", Self::SpentUsd),
    ];
}

impl Sign {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Add => "+",
            Self::Subtract => "-",
            Self::Multiply => "*",
            Self::Divide => "/",
            Self::Modulo => "%",
        }
    }
}

impl Comparison {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "==",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }
}

/// Resolves an expression that was checked. What it cannot resolve is described in words.
pub(super) fn lower(expression: IdedExpr, patterns: &Patterns) -> Result<Node, String> {
    Lowering { patterns, bound: Vec::new() }.node(expression)
}

struct Lowering<'p> {
    patterns: &'p Patterns,
    /// Names of variables of loops, outermost first.
    bound: Vec<String>,
}

type Lowered = Result<Node, String>;

fn boxed(node: Node) -> Box<Node> {
    Box::new(node)
}

impl Lowering<'_> {
    fn node(&mut self, expression: IdedExpr) -> Lowered {
        match expression.expr {
            Expr::Literal(literal) => self::literal(literal),
            Expr::Ident(name) => self.name(&name),
            Expr::Select(select) => {
                let of = boxed(self.node(*select.operand)?);
                Ok(Node::Field { of, name: select.field.into(), test: select.test })
            }
            Expr::Call(call) => self.call(call),
            Expr::List(list) if list.optional_indices.is_empty() => Ok(Node::List(self.all(list.elements)?)),
            Expr::Comprehension(of) => self.comprehension(*of),
            Expr::List(_) | Expr::Map(_) | Expr::Struct(_) | Expr::Unspecified => {
                Err("has a part that conditions do not know".to_owned())
            }
        }
    }

    fn all(&mut self, expressions: Vec<IdedExpr>) -> Result<Box<[Node]>, String> {
        expressions.into_iter().map(|one| self.node(one)).collect()
    }

    fn name(&self, name: &str) -> Lowered {
        if let Some(place) = self.bound.iter().rposition(|bound| bound == name) {
            return Ok(Node::Bound(place));
        }
        let variable = Variable::ALL.iter().find(|(known, _)| *known == name);
        let named = TYPES.iter().find(|known| **known == name);
        match (variable, named) {
            (Some((_, variable)), _) => Ok(Node::Variable(*variable)),
            (None, Some(named)) => Ok(Node::Literal(Value::Type(named))),
            (None, None) => Err(format!("names `{name}`, which is not known")),
        }
    }

    fn call(&mut self, call: CallExpr) -> Lowered {
        let CallExpr { func_name, target, args } = call;
        if let Some(pattern) = self.pattern(&func_name, &args) {
            // The text is what it is called on, or the first of two arguments.
            let text = match target {
                Some(target) => *target,
                None => args.into_iter().next().unwrap_or_default(),
            };
            return Ok(Node::Matches(boxed(self.node(text)?), pattern));
        }
        if target.is_none()
            && let Some(node) = self.operator(&func_name, &args)?
        {
            return Ok(node);
        }
        let function =
            function(&func_name).ok_or_else(|| format!("uses `{func_name}`, which is not known"))?;
        let handed = target.into_iter().map(|target| *target).chain(args).collect();
        Ok(Node::Call(function, self.all(handed)?))
    }

    fn pattern(&self, name: &str, args: &[IdedExpr]) -> Option<Pattern> {
        if name != "matches" {
            return None;
        }
        let Expr::Literal(LiteralValue::String(text)) = &args.last()?.expr else { return None };
        self.patterns.get(text.inner()).cloned()
    }

    fn operator(&mut self, name: &str, args: &[IdedExpr]) -> Result<Option<Node>, String> {
        let node = match (name, args) {
            (operators::LOGICAL_NOT, [one]) => Node::Not(boxed(self.node(one.clone())?)),
            (operators::NEGATE, [one]) => Node::Negate(boxed(self.node(one.clone())?)),
            (operators::CONDITIONAL, [condition, yes, no]) => Node::Conditional(Box::new([
                self.node(condition.clone())?,
                self.node(yes.clone())?,
                self.node(no.clone())?,
            ])),
            (_, [left, right]) => {
                let Some(join) = join(name) else { return Ok(None) };
                join(Box::new([self.node(left.clone())?, self.node(right.clone())?]))
            }
            _ => return Ok(None),
        };
        Ok(Some(node))
    }

    /// What the macros of CEL are rewritten to is recognised again by the step of the loop.
    fn comprehension(&mut self, of: ComprehensionExpr) -> Lowered {
        let range = self.node(of.iter_range)?;
        if of.iter_var2.is_some() {
            return Err("has a loop over keys and values at once".to_owned());
        }
        self.bound.push(of.iter_var);
        let kind = self.step(of.loop_step, &of.accu_var);
        self.bound.pop();
        Ok(Node::Loop(Box::new(Loop { range, kind: kind? })))
    }

    fn step(&mut self, step: IdedExpr, result: &str) -> Result<LoopKind, String> {
        let unknown = || "has a loop that conditions do not know".to_owned();
        let is_result =
            |expression: &IdedExpr| matches!(&expression.expr, Expr::Ident(name) if name == result);
        // `result + [item]`, `result + 1`.
        let appended = |expression: IdedExpr| -> Option<IdedExpr> {
            let Expr::Call(CallExpr { func_name, target: None, args }) = expression.expr else { return None };
            let [to, what] = <[IdedExpr; 2]>::try_from(args).ok()?;
            (func_name == operators::ADD && is_result(&to)).then_some(what)
        };
        let item = |what: IdedExpr| -> Option<IdedExpr> {
            let Expr::List(list) = what.expr else { return None };
            let [item] = <[IdedExpr; 1]>::try_from(list.elements).ok()?;
            Some(item)
        };
        let Expr::Call(CallExpr { func_name, target: None, args }) = step.expr.clone() else {
            return Err(unknown());
        };
        let mut args = args.into_iter();
        match (func_name.as_str(), args.next(), args.next(), args.next()) {
            (operators::LOGICAL_AND, Some(so_far), Some(test), None) if is_result(&so_far) => {
                Ok(LoopKind::All(self.node(test)?))
            }
            (operators::LOGICAL_OR, Some(so_far), Some(test), None) if is_result(&so_far) => {
                Ok(LoopKind::Exists(self.node(test)?))
            }
            (operators::ADD, ..) => {
                let item = appended(step).and_then(item).ok_or_else(unknown)?;
                Ok(LoopKind::Map { only: None, item: self.node(item)? })
            }
            (operators::CONDITIONAL, Some(test), Some(yes), Some(no)) if is_result(&no) => {
                let what = appended(yes).ok_or_else(unknown)?;
                if matches!(&what.expr, Expr::Literal(LiteralValue::Int(_))) {
                    return Ok(LoopKind::ExistsOne(self.node(test)?));
                }
                let (only, item) = (self.node(test)?, item(what).ok_or_else(unknown)?);
                Ok(LoopKind::Map { only: Some(only), item: self.node(item)? })
            }
            _ => Err(unknown()),
        }
    }
}

/// What an operator makes of its two sides.
type Join = fn(Box<[Node; 2]>) -> Node;

fn join(name: &str) -> Option<Join> {
    Some(match name {
        operators::LOGICAL_AND => Node::And,
        operators::LOGICAL_OR => Node::Or,
        operators::INDEX => Node::Index,
        operators::IN => Node::In,
        operators::ADD => |sides| Node::Arithmetic(Sign::Add, sides),
        operators::SUBSTRACT => |sides| Node::Arithmetic(Sign::Subtract, sides),
        operators::MULTIPLY => |sides| Node::Arithmetic(Sign::Multiply, sides),
        operators::DIVIDE => |sides| Node::Arithmetic(Sign::Divide, sides),
        operators::MODULO => |sides| Node::Arithmetic(Sign::Modulo, sides),
        operators::EQUALS => |sides| Node::Compare(Comparison::Equal, sides),
        operators::NOT_EQUALS => |sides| Node::Compare(Comparison::NotEqual, sides),
        operators::LESS => |sides| Node::Compare(Comparison::Less, sides),
        operators::LESS_EQUALS => |sides| Node::Compare(Comparison::LessOrEqual, sides),
        operators::GREATER => |sides| Node::Compare(Comparison::Greater, sides),
        operators::GREATER_EQUALS => |sides| Node::Compare(Comparison::GreaterOrEqual, sides),
        _ => return None,
    })
}

fn literal(literal: LiteralValue) -> Lowered {
    Ok(match literal {
        LiteralValue::Boolean(is) => Node::Literal(Value::Bool(*is.inner())),
        LiteralValue::Bytes(bytes) => Node::Bytes(bytes.inner().into()),
        LiteralValue::Double(double) => {
            let number = Number::parse(&format!("{:e}", double.inner()));
            let number = number.ok_or("has a number with too many digits to compute with")?;
            Node::Literal(Value::Number(number.with(Form::Double)))
        }
        LiteralValue::Int(whole) => Node::Literal(Value::Number(Number::int(*whole.inner()))),
        LiteralValue::Null => Node::Literal(Value::Null),
        LiteralValue::String(text) => Node::Text(text.inner().into()),
        LiteralValue::UInt(whole) => Node::Literal(Value::Number(Number::uint(*whole.inner()))),
    })
}

fn function(name: &str) -> Option<Function> {
    Some(match name {
        "contains" => Function::Contains,
        "startsWith" => Function::StartsWith,
        "endsWith" => Function::EndsWith,
        "size" => Function::Size,
        "string" => Function::String,
        "int" => Function::Int,
        "uint" => Function::Uint,
        "double" => Function::Double,
        "bool" => Function::Bool,
        "dyn" => Function::Dyn,
        "type" => Function::Type,
        "timestamp" => Function::Timestamp,
        part => Function::Part(moment::part(part)?),
    })
}
