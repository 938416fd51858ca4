//! Configurations to begin with: files with comments, to be copied and changed.

/// A file to begin with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Template {
    pub name: &'static str,
    /// For whom it is.
    pub about: &'static str,
    /// TOML, as [`read_toml`](crate::read_toml) reads it.
    pub text: &'static str,
}

/// All of them.
pub const TEMPLATES: [Template; 4] = [
    Template {
        name: "small-team",
        about: "one team, office hours, three promises",
        text: include_str!("../templates/small-team.toml"),
    },
    Template {
        name: "msp",
        about: "a provider with several customers and important ones among them",
        text: include_str!("../templates/msp.toml"),
    },
    Template {
        name: "itsm",
        about: "an internal desk with tiers 1 to 3 and on-call",
        text: include_str!("../templates/itsm.toml"),
    },
    Template {
        name: "b2c",
        about: "many customers by chat and e-mail, seven days a week",
        text: include_str!("../templates/b2c.toml"),
    },
];

/// The template of that name.
///
/// ```
/// let template = guichet_config::template("b2c").unwrap();
/// assert!(guichet_config::read_toml(template.text).is_ok());
/// ```
#[must_use]
pub fn template(name: &str) -> Option<Template> {
    TEMPLATES.into_iter().find(|template| template.name == name)
}
