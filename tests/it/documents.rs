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
fn every_rule_has_a_page() {
    let mut index = String::new();
    for rule in tallylint::rules::all() {
        let meta = rule.meta();
        is_fresh(
            &format!("docs/rules/{}.md", meta.id),
            &tallylint::cli::rule_page(meta),
        );
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
fn links_between_documents_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = vec![root.join("README.md"), root.join("CONTRIBUTING.md")];
    for folder in ["docs", "docs/rules"] {
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

/// Runs the commands of a document in a copy of the example project, and puts what they print below
/// each.
fn played(text: &str) -> String {
    let project = crate::common::Project::new(&[]);
    std::fs::remove_dir(project.path(".git")).unwrap();
    let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/pipeline");
    for entry in walkdir::WalkDir::new(&example) {
        let entry = entry.unwrap();
        let name = entry.path().strip_prefix(&example).unwrap();
        if entry.file_type().is_file() {
            project.write(name.to_str().unwrap(), std::fs::read(entry.path()).unwrap());
        }
    }
    let binaries = Path::new(env!("CARGO_BIN_EXE_tallylint")).parent().unwrap();
    let path = format!("{}:{}", binaries.display(), std::env::var("PATH").unwrap());
    let mut out = String::new();
    let time = regex::Regex::new(r" in \d+\.\d\ds\n").unwrap();
    let mut skips = false;
    let mut inside = false;
    for line in text.split_inclusive('\n') {
        if line.starts_with("```") {
            inside = line == "```console\n";
            skips = false;
        }
        let command = line.strip_prefix("$ ").filter(|_| inside);
        if command.is_some() {
            skips = false;
        }
        if !skips {
            out.push_str(line);
        }
        let Some(command) = command else { continue };
        skips = true;
        let output = std::process::Command::new("sh")
            .args(["-c", command])
            .current_dir(project.path(""))
            .env_clear()
            .envs([
                ("PATH", path.as_str()),
                ("HOME", "/nowhere"),
                ("GIT_CONFIG_GLOBAL", "/dev/null"),
            ])
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "you")))
            .envs(
                ["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "you@example.org")),
            )
            .output()
            .unwrap();
        for stream in [output.stdout, output.stderr] {
            let text = String::from_utf8(stream).unwrap();
            let text = time.replace_all(&text, " in 0.05s\n");
            // Trailing blanks do not survive editors.
            out.extend(text.lines().map(|line| format!("{}\n", line.trim_end())));
        }
    }
    out
}

#[cfg(unix)]
#[test]
fn the_adopting_guide_is_what_happens() {
    let path = "docs/adopting.md";
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    assert!(text.matches("\n$ tallylint").count() >= 8);
    is_fresh(path, &played(&text));
}
