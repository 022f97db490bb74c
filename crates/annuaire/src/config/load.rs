//! Reading a configuration file, and saying where a mistake is.

use super::sections::Configuration;
use std::fmt;
use std::fs;
use std::ops::Range;
use std::path::{Path, PathBuf};
use toml::de::{DeTable, DeValue};

use crate::data_place::CONFIGURATION;

/// Where a configuration comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ConfigurationSource {
    /// A file.
    File(PathBuf),
    /// No file: everything has its default.
    Defaults,
}

impl ConfigurationSource {
    /// The file that `--config` names, else that of the data directory, if it has one.
    pub(crate) fn find(named: Option<&Path>, data: Option<&Path>) -> Self {
        let of_data = data.map(|data| data.join(CONFIGURATION)).filter(|path| path.exists());
        named.map(Path::to_owned).or(of_data).map_or(Self::Defaults, Self::File)
    }
}

/// Why a configuration is refused.
#[derive(Debug)]
pub(crate) struct ConfigurationError {
    file: PathBuf,
    /// Line and column, counted from one; `None` when the file cannot be read at all.
    position: Option<(usize, usize)>,
    message: String,
}

impl fmt::Display for ConfigurationError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.position {
            Some((line, column)) => write!(f, "{}:{line}:{column}: {}", self.file.display(), self.message),
            None => write!(f, "{}: {}", self.file.display(), self.message),
        }
    }
}

impl std::error::Error for ConfigurationError {}

/// A mistake in the text of a configuration, with the bytes that it is about.
#[derive(Debug)]
struct Mistake {
    span: Range<usize>,
    message: String,
}

impl Configuration {
    /// The configuration of an installation.
    ///
    /// # Errors
    /// [`ConfigurationError`]
    pub(crate) fn of_installation(named: Option<&Path>, data: Option<&Path>) -> Result<Self, ConfigurationError> {
        match ConfigurationSource::find(named, data) {
            ConfigurationSource::File(file) => Self::load(&file),
            ConfigurationSource::Defaults => Ok(Self::default()),
        }
    }

    /// Reads a file. Paths in it that are relative start at its directory.
    ///
    /// # Errors
    /// [`ConfigurationError`], with the first mistake.
    pub(crate) fn load(file: &Path) -> Result<Self, ConfigurationError> {
        let refuse = |position, message| ConfigurationError { file: file.to_owned(), position, message };
        let text = fs::read_to_string(file).map_err(|e| refuse(None, format!("cannot be read: {e}")))?;
        let mut configuration =
            Self::parse(&text).map_err(|mistake| refuse(Some(line_and_column(&text, mistake.span.start)), mistake.message))?;
        let dir = file.parent().unwrap_or(Path::new(""));
        for (_, path) in configuration.paths() {
            *path = dir.join(&*path);
        }
        Ok(configuration)
    }

    fn parse(text: &str) -> Result<Self, Mistake> {
        let mistake = |e: toml::de::Error| Mistake { span: e.span().unwrap_or_default(), message: e.message().to_owned() };
        let table = DeTable::parse(text).map_err(mistake)?;
        refuse_unknown_keys(table.get_ref())?;
        toml::from_str(text).map_err(mistake)
    }
}

/// Refuses the first section or key that does not exist, and proposes the nearest that does.
fn refuse_unknown_keys(file: &DeTable<'_>) -> Result<(), Mistake> {
    let sections = Configuration::default().sections();
    let names: Vec<&str> = sections.iter().map(|section| section.name).collect();
    for (name, value) in file {
        let Some(section) = sections.iter().find(|section| section.name == name.get_ref().as_ref()) else {
            let key_of = sections.iter().find(|section| section.keys.contains(&name.get_ref().as_ref()));
            let message = match key_of {
                Some(section) => {
                    format!("{} is a key of the section [{}]: write it below that line", name.get_ref(), section.name)
                }
                None => unknown("section", name.get_ref(), &names),
            };
            return Err(Mistake { span: name.span(), message });
        };
        let DeValue::Table(keys) = value.get_ref() else {
            let message = format!("{0} is a section: write [{0}], and its keys below", section.name);
            return Err(Mistake { span: value.span(), message });
        };
        if let Some(key) = keys.keys().find(|key| !section.keys.contains(&key.get_ref().as_ref())) {
            let message = unknown(&format!("key of [{}]", section.name), key.get_ref(), section.keys);
            return Err(Mistake { span: key.span(), message });
        }
    }
    Ok(())
}

/// Similarity, from 0 to 1, from which a name is proposed: that of a letter too many, or of two swapped.
const SIMILAR: f64 = 0.7;

fn unknown(what: &str, name: &str, known: &[&str]) -> String {
    let nearest = known
        .iter()
        .map(|other| (strsim::jaro(name, other), *other))
        .filter(|(similarity, _)| *similarity >= SIMILAR)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    match nearest {
        Some((_, nearest)) => format!("unknown {what}: {name}; did you mean {nearest}?"),
        None => format!("unknown {what}: {name}; there are {}", known.join(", ")),
    }
}

/// Line and column of a byte, counted from one; columns are characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Position and message of the mistake in a text.
    fn mistake(text: &str) -> String {
        let mistake = Configuration::parse(text).expect_err("a mistake");
        let (line, column) = line_and_column(text, mistake.span.start);
        format!("{line}:{column}: {}", mistake.message)
    }

    #[test]
    fn mistakes_have_a_place_and_a_proposal() {
        for (text, wanted) in [
            ("[server]\nlisten = \"127.0.0.1:80\"\n  listne = 1\n", "3:3: unknown key of [server]: listne; did you mean listen?"),
            ("\n[sever]\n", "2:2: unknown section: sever; did you mean server?"),
            ("[zzz]\n", "1:2: unknown section: zzz; there are server, notices, connections, "),
            ("rate = 17\n", "1:1: rate is a key of the section [access]: write it below that line"),
            ("import = 3\n", "1:10: import is a section: write [import], and its keys below"),
            ("[access]\nrate = 0\n", "2:8: "),
            ("[connections]\nhead_bytes = 1\n", "2:14: 1 is not between 8192 and 1048576"),
            ("[server]\nlisten = \"here\"\n", "2:10: invalid socket address"),
            ("[server]\ntrusted_proxies = [\"192.0.2.1\", \"é\"]\n", "2:19: \"é\" is neither an address"),
            ("[publication]\nguide = \"v130\"\n", "2:9: unknown variant `v130`, expected `v120` or `v110`"),
            (
                "[publication]\nkeep_public_days = 0\n",
                "2:20: invalid value: integer `0`, expected a number of days from 1 to 36500, or",
            ),
            (
                "[publication]\nkeep_restricted_days = \"never\"\n",
                "2:24: invalid value: string \"never\", expected a number of days",
            ),
            ("[identity]\nphone_approval = \"face\"\n", "2:18: unknown variant `face`, expected one of `both`, `pin`, `passkey`"),
            ("[server\n", "1:8: "),
            ("[doctor]\ndays = 1\ndays = 2\n", "3:1: duplicate key"),
        ] {
            let found = mistake(text);
            assert!(found.starts_with(wanted), "{text}: {found}");
        }
    }

    #[test]
    fn the_ways_to_approve_on_a_phone_are_those_of_the_file() {
        use annuaire_ecps::ApprovalMethods;
        for (text, wanted) in [
            ("", ApprovalMethods::PinOrPasskey),
            ("phone_approval = \"both\"", ApprovalMethods::PinOrPasskey),
            ("phone_approval = \"pin\"", ApprovalMethods::PinOnly),
            ("phone_approval = \"passkey\"", ApprovalMethods::PasskeyOnly),
        ] {
            let configuration = Configuration::parse(&format!("[identity]\n{text}\n")).expect("a configuration");
            assert_eq!(ApprovalMethods::from(configuration.identity.phone_approval), wanted, "{text}");
        }
    }

    #[test]
    fn relative_paths_start_at_the_file() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("a.toml");
        fs::write(&file, "[access]\napi_keys = \"keys\"\nrestricted_credentials = \"/etc/b\"\n").expect("a file");
        let configuration = Configuration::load(&file).expect("a configuration");
        assert_eq!(configuration.access.api_keys, Some(dir.path().join("keys")));
        assert_eq!(configuration.access.restricted_credentials, Some(PathBuf::from("/etc/b")));
        let none = Configuration::load(&dir.path().join("none.toml")).expect_err("no file").to_string();
        assert!(none.contains("none.toml: cannot be read"), "{none}");
    }

    #[test]
    fn a_named_file_comes_before_that_of_the_data() {
        let dir = tempfile::tempdir().expect("a directory");
        let named = PathBuf::from("named.toml");
        let find = |named: Option<&Path>| ConfigurationSource::find(named, Some(dir.path()));
        assert_eq!(find(None), ConfigurationSource::Defaults);
        fs::write(dir.path().join(CONFIGURATION), "").expect("a file");
        assert_eq!(find(None), ConfigurationSource::File(dir.path().join(CONFIGURATION)));
        assert_eq!(find(Some(&named)), ConfigurationSource::File(named));
    }
}
