//! Programs that store rows when they are run, and the words of their commands that say so.

use super::changes_rows;
use crate::ir::Name;

/// A program.
struct Stores {
    name: &'static str,
    /// Words one of which the command must have; empty if the program does nothing else.
    by: &'static [&'static str],
    /// What the last word of the command must contain: the place is one that keeps rows.
    into: &'static str,
    /// Whether a statement in the command decides as well.
    takes_sql: bool,
}

const fn program(name: &'static str, by: &'static [&'static str]) -> Stores {
    Stores {
        name,
        by,
        into: "",
        takes_sql: false,
    }
}

const fn copies(name: &'static str, by: &'static [&'static str], into: &'static str) -> Stores {
    Stores {
        name,
        by,
        into,
        takes_sql: false,
    }
}

const fn takes_sql(name: &'static str, by: &'static [&'static str]) -> Stores {
    Stores {
        name,
        by,
        into: "",
        takes_sql: true,
    }
}

const PROGRAMS: &[Stores] = &[
    takes_sql("psql", &["-f", "--file"]),
    takes_sql("mysql", &["<"]),
    takes_sql("mariadb", &["<"]),
    takes_sql("sqlite3", &["<"]),
    takes_sql("clickhouse-client", &["<"]),
    takes_sql("snowsql", &["-f", "--filename"]),
    takes_sql("sqlcmd", &["-i"]),
    program("pg_restore", &[]),
    program("pg_dump", &[]),
    program("pg_dumpall", &[]),
    program("mysqldump", &[]),
    program("mysqlimport", &[]),
    program("mongoimport", &[]),
    program("mongorestore", &[]),
    program("mongodump", &[]),
    program("sqlldr", &[]),
    program("bcp", &["in"]),
    program("bq", &["load", "cp", "insert"]),
    program("dbt", &["run", "build", "seed", "snapshot"]),
    program("meltano", &["run", "el", "elt"]),
    program("sqoop", &["import", "export"]),
    program("spark-submit", &[]),
    program("hdfs", &["-put", "-copyFromLocal", "-moveFromLocal"]),
    program("hadoop", &["-put", "-copyFromLocal", "-moveFromLocal"]),
    copies("aws", &["cp", "mv", "sync"], "://"),
    copies("gsutil", &["cp", "mv", "rsync"], "://"),
    copies("gcloud", &["cp", "mv", "rsync"], "://"),
    copies("azcopy", &["copy", "cp", "sync"], "://"),
    copies("s3cmd", &["put", "sync"], "://"),
    copies("s5cmd", &["cp", "mv", "sync"], "://"),
    copies("rclone", &["copy", "copyto", "sync", "move", "moveto"], ":"),
];

/// What may stand before the name of a program.
const BEFORE: &[&str] = &["sudo", "env", "nice", "nohup", "time"];

/// What asks a program only for a word about itself.
const ASKS: &[&str] = &[
    "--version",
    "--help",
    "--dry-run",
    "--dryrun",
    "-l",
    "--list",
];

/// Whether a command stores rows, by its words. An empty word stands for one that is not known.
#[must_use]
pub fn stores_by_command(words: &[Name]) -> bool {
    let mut rest = words.iter().map(|word| word.trim_matches(['"', '\'']));
    let own = rest.find(|word| !BEFORE.contains(word) && !word.contains('='));
    let name = own.and_then(|own| own.rsplit('/').next());
    let Some(program) = PROGRAMS.iter().find(|of| Some(of.name) == name) else {
        return false;
    };
    let rest: Vec<&str> = rest.collect();
    if rest.iter().any(|word| ASKS.contains(word)) {
        return false;
    }
    let has = |wanted: &&str| {
        let given = |word: &&str| word.strip_prefix(*wanted).is_some_and(is_end);
        rest.iter().any(given)
    };
    let by = program.by.is_empty() || program.by.iter().any(has);
    let into = rest.last().is_some_and(|last| last.contains(program.into)) || rest.is_empty();
    let changes = || {
        let mut texts = rest.iter().map(Name::new);
        texts.any(|text| changes_rows(&[text]) == Some(true))
    };
    by && into || program.takes_sql && changes()
}

/// Whether nothing follows an option but its value.
fn is_end(rest: &str) -> bool {
    rest.is_empty() || rest.starts_with('=')
}

#[cfg(test)]
mod tests {
    use super::stores_by_command;
    use crate::ir::Name;

    #[test]
    fn commands() {
        let stores = |command: &str| {
            let words: Vec<Name> = command.split(' ').map(Name::new).collect();
            stores_by_command(&words)
        };
        for command in [
            "psql -f load.sql",
            "/usr/bin/psql --file=load.sql",
            "sudo pg_restore -d prices dump",
            "PGPASSWORD=x psql -c INSERT",
            "aws s3 cp rows.csv s3://prices/",
            "dbt run",
        ] {
            assert!(stores(command), "{command}");
        }
        for command in [
            "psql -c SELECT",
            "psql --version",
            "aws s3 cp s3://prices/rows.csv rows.csv",
            "dbt test",
            "git push",
            "",
        ] {
            assert!(!stores(command), "{command}");
        }
    }
}
