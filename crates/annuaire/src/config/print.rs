//! Writing a configuration as a file that says what each key means.

use super::sections::Configuration;
use std::fmt::Write;

impl Configuration {
    /// The configuration as a file: each key with its meaning, its unit, its default and its value. A key without value is a comment.
    /// Files of secrets are named, their contents never read.
    pub(crate) fn to_commented_toml(&self) -> String {
        let mut out = String::new();
        for (at, section) in self.sections().into_iter().enumerate() {
            if at > 0 {
                out.push('\n');
            }
            push_comment(&mut out, section.meaning);
            let _ = writeln!(out, "[{}]", section.name);
            for key in section.values {
                out.push('\n');
                push_comment(&mut out, key.meaning);
                let _ = writeln!(out, "# Default: {}", key.default.as_deref().unwrap_or("none"));
                let _ = match &key.value {
                    Some(value) => writeln!(out, "{} = {value}", key.name),
                    None => writeln!(out, "# {} =", key.name),
                };
            }
        }
        out
    }
}

fn push_comment(out: &mut String, lines: &[&str]) {
    for line in lines {
        let _ = writeln!(out, "#{line}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// What is printed loads again to the same configuration.
    #[test]
    fn a_printed_configuration_loads_again() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("annuaire.toml");
        let set = "[server]\nlisten = \"[::1]:9\"\npublic_base = \"https://annuaire.example/fhir/v2\"\noperator = \"L’exploitant\\n\\\"x\\\"\"\n\
                   trusted_proxies = [\"10.0.0.0/8\"]\nlog = \"debug\"\nrequest_log = false\n[access]\napi_keys = \"/etc/k\"\nrate = 17\n\
                   [import]\nthreads = 3\nniceness = 0\nspill = \"/tmp\"\n[doctor]\ndays = 9\n[publication]\nguide = \"v110\"\n\
                   keep_public_days = \"forever\"\nkeep_restricted_days = 400\n";
        for text in ["", set] {
            fs::write(&file, text).expect("a file");
            let first = Configuration::load(&file).expect("the text");
            fs::write(&file, first.to_commented_toml()).expect("a file");
            let again = Configuration::load(&file).unwrap_or_else(|e| panic!("{e}\n{}", first.to_commented_toml()));
            assert_eq!(first, again);
            assert_eq!(first == Configuration::default(), text.is_empty());
        }
    }

    /// Defaults obey the bounds of their keys: the file that holds them all is accepted.
    #[test]
    fn defaults_are_within_bounds() {
        let dir = tempfile::tempdir().expect("a directory");
        let file = dir.path().join("annuaire.toml");
        let printed = Configuration::default().to_commented_toml();
        fs::write(&file, &printed).expect("a file");
        assert_eq!(Configuration::load(&file).expect("the defaults"), Configuration::default());
        let keys = printed.lines().filter(|line| line.starts_with("# Default: ")).count();
        assert_eq!(keys, Configuration::default().sections().iter().map(|s| s.keys.len()).sum::<usize>());
    }
}
