//! Whether everybody whom another section names is listed.

use super::Roster;
use crate::{
    model::{Principal, PrincipalKind},
    yaml::{Entry, Item},
};

impl Roster {
    /// Notes every value below `section` that names a person, group, role or rotation which is not listed: it could never
    /// approve anything.
    pub fn check_names(&self, section: &Item<'_>) {
        if section.is_map() {
            for Entry { value, .. } in section.entries().unwrap_or_default() {
                self.check_names(&value);
            }
        } else if section.is_list() {
            for item in section.list().unwrap_or_default() {
                self.check_names(&item);
            }
        } else if !section.is_empty()
            && let Some(Ok(named)) = section.text().map(Principal::new)
        {
            match named.kind() {
                PrincipalKind::Agent | PrincipalKind::Service => {}
                PrincipalKind::User | PrincipalKind::Group | PrincipalKind::OnCall | PrincipalKind::Role => {
                    self.check_name(section, &named);
                }
            }
        }
    }

    fn check_name(&self, item: &Item<'_>, named: &Principal) {
        if self.knows(named) {
            return;
        }
        let hint = match item.nearest(named.as_str(), self.principals().map(Principal::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "add it under `directory`".to_owned(),
        };
        item.wrong_with(format!("`{named}` is not in the directory of this file"), hint);
    }
}
