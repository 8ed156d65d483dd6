//! The part that is the same for every call, as a constant.

use std::time::Duration;

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote_spanned};

use super::Guard;
use crate::attr::choice::Mode;
use crate::attr::path::FieldPath;
use crate::attr::people::{Escalation, Requirement};
use crate::attr::principal::Approver;
use crate::attr::window::Window;
use crate::attr::{Spanned, Timeout};
use crate::function::parameter::Parameter;

/// `field: value,` for each field that is not the default.
struct Fields(TokenStream);

impl Fields {
    fn set(&mut self, name: &str, value: impl ToTokens) {
        let name = proc_macro2::Ident::new(name, Span::mixed_site());
        self.0.extend(quote_spanned!(Span::mixed_site()=> #name: #value,));
    }

    fn some(&mut self, name: &str, value: Option<impl ToTokens>) {
        if let Some(value) = value {
            self.set(name, quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#value)));
        }
    }

    fn flag(&mut self, name: &str, given: bool) {
        if given {
            self.set(name, true);
        }
    }

    fn slice(&mut self, name: &str, items: &[TokenStream]) {
        if !items.is_empty() {
            self.set(name, quote_spanned!(Span::mixed_site()=> &[#(#items),*]));
        }
    }
}

impl Guard {
    /// `Definition { … }`.
    pub(super) fn definition(&self) -> TokenStream {
        let (m, attributes) = (&self.root, &self.attributes);
        let name = attributes.name.as_ref().map_or("", |name| &name.value);
        let version = attributes.version.map_or(1, |version| version.value);
        let mut fields = Fields(TokenStream::new());
        fields.some("kind", attributes.kind.as_ref());
        fields.some("description", attributes.description.as_ref().map(|text| &text.canonical));
        fields.some("cost", attributes.cost.as_ref().map(|cost| &cost.canonical));
        if let Some(risk) = attributes.risk {
            let risk = risk.value.variant();
            fields.set("risk", quote_spanned!(Span::mixed_site()=> #m::Risk::#risk));
        }
        fields.some(
            "priority",
            attributes.priority.map(|priority| {
                let priority = priority.value.variant();
                quote_spanned!(Span::mixed_site()=> #m::Priority::#priority)
            }),
        );
        let rules: Vec<_> = attributes.requirements.iter().map(|rule| self.requirement(rule)).collect();
        fields.slice("requirements", &rules);
        self.times(&mut fields);
        let stages: Vec<_> = attributes.escalations.iter().map(|stage| self.escalation(stage)).collect();
        fields.slice("escalations", &stages);
        fields.some("veto", attributes.veto.map(|veto| veto.value));
        fields.some("allow_self_approval", attributes.allow_self_approval);
        fields.some(
            "reject_options",
            attributes
                .reject_options
                .as_ref()
                .map(|ty| quote_spanned!(Span::mixed_site()=> <#ty as #m::RejectOptions>::options)),
        );
        fields.flag("credits", attributes.credits.is_some());
        fields.flag("idempotent", attributes.idempotent.is_some());
        fields.flag("replay", attributes.replay.is_some());
        fields.flag("suspend", attributes.mode.is_some_and(|mode| mode.value == Mode::Suspend));
        fields.flag("cancel_on_drop", attributes.cancel_on_drop.is_some());
        fields.flag("needs_grant", self.parameters.grant.is_some());
        let (unbound, skipped) = self.unbound();
        fields.slice("unbound", &unbound);
        fields.slice("skipped", &skipped);
        fields.slice("redacted", &self.paths(attributes.redact.as_deref().unwrap_or_default()));
        let fields = fields.0;
        quote_spanned!(Span::mixed_site()=>
            #m::Definition { #fields ..#m::Definition::new(#name, #version) }
        )
    }

    fn times(&self, fields: &mut Fields) {
        let (m, attributes) = (&self.root, &self.attributes);
        if let Some(Spanned { value, .. }) = attributes.timeout {
            fields.set(
                "timeout",
                match value {
                    Timeout::Never => quote_spanned!(Span::mixed_site()=> #m::Timeout::Never),
                    Timeout::After(after) => {
                        let after = duration(after);
                        quote_spanned!(Span::mixed_site()=> #m::Timeout::After(#after))
                    }
                },
            );
        }
        fields.some(
            "on_timeout",
            attributes.on_timeout.map(|end| {
                let end = end.value.variant();
                quote_spanned!(Span::mixed_site()=> #m::OnTimeout::#end)
            }),
        );
        fields.some("wait", attributes.wait.map(|wait| duration(wait.value)));
        fields.some("preview_timeout", attributes.preview_timeout.map(|limit| duration(limit.value)));
        fields.some("grant_ttl", attributes.grant_ttl.map(|ttl| duration(ttl.value)));
        fields.some(
            "run_window",
            attributes.run_window.as_ref().map(|Window { time_zone, hours }| {
                let hours =
                    hours.iter().map(|(days, hours)| quote_spanned!(Span::mixed_site()=> (#days, #hours)));
                quote_spanned!(Span::mixed_site()=>
                    #m::RunWindow { time_zone: #time_zone, hours: &[#(#hours),*] }
                )
            }),
        );
        fields.some(
            "reminders",
            attributes.remind.as_ref().map(|remind| {
                let (every, at_most) = (duration(remind.every.value), remind.at_most);
                quote_spanned!(Span::mixed_site()=> #m::Reminders { every: #every, at_most: #at_most })
            }),
        );
    }

    fn requirement(&self, rule: &Requirement) -> TokenStream {
        let m = &self.root;
        let Requirement { count, approvers, may_share } = rule;
        let of = ids(approvers);
        quote_spanned!(Span::mixed_site()=>
            #m::Requirement { count: #count, of: &[#(#of),*], may_share: #may_share }
        )
    }

    fn escalation(&self, stage: &Escalation) -> TokenStream {
        let m = &self.root;
        let after = duration(stage.after.value);
        let requirement =
            usize::try_from(stage.requirement.map_or(1, |number| number.value)).unwrap_or(1) - 1;
        let to = ids(&stage.to);
        let priority = stage.priority.map(|priority| priority.value.variant()).map_or_else(
            || quote_spanned!(Span::mixed_site()=> ::core::option::Option::None),
            |priority| quote_spanned!(Span::mixed_site()=> ::core::option::Option::Some(#m::Priority::#priority)),
        );
        quote_spanned!(Span::mixed_site()=>
            #m::Escalation { after: #after, requirement: #requirement, to: &[#(#to),*], priority: #priority }
        )
    }

    /// Whole parameters that are not bound, such as `self` and `_`; and fields taken out of bound ones.
    fn unbound(&self) -> (Vec<TokenStream>, Vec<TokenStream>) {
        let skip = self.attributes.skip.as_deref().unwrap_or_default();
        let (whole, fields): (Vec<_>, Vec<_>) =
            skip.iter().cloned().partition(|path| path.members.is_empty());
        let receiver = self.parameters.receiver.map(|_| "self".to_token_stream());
        let unnamed = self.parameters.arguments.iter().filter(|parameter| parameter.is_wild);
        let unnamed = unnamed.map(|Parameter { cfg, .. }| quote_spanned!(Span::mixed_site()=> #(#cfg)* "_"));
        let unbound = receiver.into_iter().chain(self.paths(&whole)).chain(unnamed);
        (unbound.collect(), self.paths(&fields))
    }

    /// Paths as strings, each under the `cfg` of its parameter.
    fn paths(&self, paths: &[FieldPath]) -> Vec<TokenStream> {
        let tokens = paths.iter().map(|path| {
            let text = path.canonical();
            let cfg = self.parameters.find(&path.root_name()).map(|(parameter, _)| parameter.cfg.as_slice());
            let cfg = cfg.unwrap_or_default();
            quote_spanned!(Span::mixed_site()=> #(#cfg)* #text)
        });
        tokens.collect()
    }
}

fn ids(approvers: &[Approver]) -> impl Iterator<Item = &str> {
    approvers.iter().map(|approver| approver.id.as_str())
}

fn duration(duration: Duration) -> TokenStream {
    let millis = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    quote_spanned!(Span::mixed_site()=> ::core::time::Duration::from_millis(#millis))
}
