//! Documents that are made from the code are fresh, and what they show is what happens.

use std::path::Path;

use clap::ValueEnum;
use tallylint::report::Format;

use crate::common::{is_fresh, is_fresh_part};

#[test]
fn references_are_fresh() {
    is_fresh("docs/cli.md", &tallylint::cli::reference());
    is_fresh("docs/presets.md", &tallylint::presets::page());
    let keys = tallylint::config::reference();
    is_fresh_part("docs/configuration.md", "keys", &keys);
    // Whatever can be said is in the reference.
    for key in [
        "per-file-ignores",
        "[[contract]]",
        "`bases`",
        "`auxiliary`",
        "`strict-null`",
    ] {
        assert!(keys.contains(key), "{key}");
    }
    let cli = tallylint::cli::reference();
    for part in [
        "`tallylint check`",
        "`tallylint debug cfg`",
        "--unsafe-fixes",
        "(default: `warning`)",
    ] {
        assert!(cli.contains(part), "{part}");
    }
}

#[test]
fn manual_pages_are_fresh() {
    let folder = "python/wheel/data/share/man/man1";
    let mut wanted = Vec::new();
    for (name, page) in tallylint::cli::manuals().unwrap() {
        is_fresh(&format!("{folder}/{name}"), &page);
        wanted.push(name);
    }
    wanted.sort_unstable();
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let files = root.join(folder).read_dir().unwrap();
    let mut files: Vec<String> = files
        .map(|file| file.unwrap().file_name().into_string().unwrap())
        .collect();
    files.sort_unstable();
    assert_eq!(files, wanted, "a page of no command");
}

/// The date of a version is in the change log.
#[test]
fn manual_pages_have_the_date_of_the_version() {
    let dated = |log: &str, version: &str| -> Option<String> {
        let head = format!("\n## [{version}] - ");
        let (_, rest) = log.split_once(&head)?;
        rest.lines().next().map(ToOwned::to_owned)
    };
    let sample = "# Changelog\n\n## [Unreleased]\n\n## [0.1.0] - 2030-01-02\n\nText\n";
    assert_eq!(dated(sample, "0.1.0").as_deref(), Some("2030-01-02"));
    assert_eq!(dated(sample, "0.2.0"), None);

    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("CHANGELOG.md");
    let log = std::fs::read_to_string(path).unwrap();
    if let Some(date) = dated(&log, env!("CARGO_PKG_VERSION")) {
        for (name, page) in tallylint::cli::manuals().unwrap() {
            let title = page.lines().find(|line| line.starts_with(".TH ")).unwrap();
            assert!(title.contains(&date), "{name}: set DATE to {date}: {title}");
        }
    }
}

#[test]
fn every_rule_has_a_page() {
    let mut index = String::new();
    for rule in tallylint::rules::all() {
        let meta = rule.meta();
        is_fresh(&format!("docs/rules/{}.md", meta.id), &meta.document());
        index.push_str(&format!(
            "* [`{0}`](rules/{0}.md): {1}\n",
            meta.id, meta.summary
        ));
    }
    is_fresh_part("docs/README.md", "rules", &index);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rules");
    let pages = folder.read_dir().unwrap().count();
    assert_eq!(pages, tallylint::rules::all().len(), "a page of no rule");
}

#[test]
fn the_table_of_formats_has_all_of_them() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/formats.md");
    let text = std::fs::read_to_string(path).unwrap();
    let (_, table) = text.split_once("| format | path |").unwrap();
    let (table, uses) = table.split_once("\n\n").unwrap();
    let rows = table.lines().skip(2).map(|row| {
        assert_eq!(row.matches(" | ").count(), 6, "{row}");
        row.split('`').nth(1).unwrap()
    });
    let rows: Vec<&str> = rows.collect();
    let formats = Format::value_variants().iter();
    let formats = formats.filter_map(ValueEnum::to_possible_value);
    let formats: Vec<String> = formats.map(|value| value.get_name().to_owned()).collect();
    assert_eq!(rows, formats);
    // Each is told where it is used, with a command.
    for format in &formats {
        let heads = uses.lines().filter(|line| line.starts_with("**"));
        let mut named = heads.filter_map(|line| line[2..].split("**").next());
        assert!(
            named.any(|names| names.split(", ").any(|n| n == format)),
            "{format}"
        );
        assert!(
            *format == "text"
                || ["--format ", "--report "]
                    .iter()
                    .any(|o| text.contains(&format!("{o}{format}"))),
            "{format}"
        );
    }
}

#[test]
fn the_site_has_every_page() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let settings = std::fs::read_to_string(root.join("docs/zensical.toml")).unwrap();
    let page = regex::Regex::new(r#"" = "([^"]+\.md)""#).unwrap();
    let mut listed: Vec<&str> = (page.captures_iter(&settings))
        .map(|found| found.get(1).unwrap().as_str())
        .filter(|page| page.starts_with("docs/"))
        .collect();
    listed.sort_unstable();
    let files = walkdir::WalkDir::new(root.join("docs")).into_iter();
    let files = files.map(|entry| entry.unwrap().into_path());
    let pages = files.filter(|file| file.extension().is_some_and(|e| e == "md"));
    let mut pages: Vec<String> = pages
        .map(|file| {
            file.strip_prefix(root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    pages.sort_unstable();
    assert_eq!(listed, pages, "the navigation in docs/zensical.toml");
}

#[test]
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/recipes", "docs/rules"] {
        let entries = root.join(folder).read_dir().unwrap();
        files.extend(entries.map(|entry| entry.unwrap().path()));
    }
    let mut links = 0;
    for file in files
        .iter()
        .filter(|f| f.extension().is_some_and(|e| e == "md"))
    {
        let text = std::fs::read_to_string(file).unwrap();
        for link in text.split("](").skip(1) {
            let target = link.split([')', '#']).next().unwrap();
            if target.is_empty() || target.contains("://") || target.contains(char::is_whitespace) {
                continue;
            }
            assert!(
                file.parent().unwrap().join(target).exists(),
                "{file:?}: {target}"
            );
            links += 1;
        }
    }
    assert!(links > 10);
}
