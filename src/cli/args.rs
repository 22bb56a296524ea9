//! Commands and options.

use std::path::{Path, PathBuf};

use clap::builder::{OsStringValueParser, PossibleValue, StringValueParser, TypedValueParser};
use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};

use serde::{Deserialize, Serialize};

use crate::config::Overrides;
use crate::diagnostics::Severity;
use crate::discover::Shard;
use crate::order::Order as _;
use crate::report::{Earlier, Format};
use crate::settings::Reading;
use crate::source::{DEFAULT_FILE_BYTES, MAX_FILE_BYTES};
use crate::suggest::did_you_mean;

/// Bytes in a mebibyte.
pub const MIB: u64 = 1024 * 1024;
const DEFAULT_FILE_MIB: u64 = DEFAULT_FILE_BYTES / MIB;
const MAX_FILE_MIB: u64 = MAX_FILE_BYTES / MIB;

/// Finds the paths on which a data-pipeline processor finishes without recording what it did.
#[derive(Parser)]
#[command(version, about, arg_required_else_help = true, max_term_width = 100)]
#[command(
    after_help = "Exit codes: 0 clean, 1 findings, 2 usage error or incomplete result, \
                        101 a bug in tallylint"
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Subcommand)]
pub enum Command {
    /// Check files and folders
    Check(Box<CheckArgs>),
    /// List the contracts, where they come from, and which classes keep them
    Contracts(ContractsArgs),
    /// Print the effective settings, and where each comes from
    Config(ConfigArgs),
    /// List the rules
    Rules(RulesArgs),
    /// Explain a rule
    Explain(ExplainArgs),
    /// Write a configuration, a commit hook and a workflow for a repository
    Init(InitArgs),
    /// Write a Python file that checks contracts while a program runs
    Guard(GuardArgs),
    /// Serve an editor: the language server, over standard input and output
    Server,
    /// Print shell completions
    Completions {
        /// The shell
        #[arg(value_name = "SHELL")]
        shell: Shell,
    },
    /// Print a manual page
    Man {
        /// The command to describe, instead of the whole program: `check`, or `debug cfg`
        #[arg(value_name = "COMMAND")]
        command: Vec<String>,
    },
    /// Manage the cached results of earlier runs
    Cache(CacheArgs),
    /// Join the reports of the shards of a check, or of checks of several parts of a repository
    #[command(after_long_help = MERGE)]
    Merge(MergeArgs),
    /// Show internals of the analysis
    Debug(DebugArgs),
}

/// A shell with completions.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum Shell {
    /// Bash
    Bash,
    /// Elvish
    Elvish,
    /// Fish
    Fish,
    /// Nushell
    Nushell,
    /// PowerShell
    Powershell,
    /// Zsh
    Zsh,
}

/// Names of rules. Shells offer them; whether there is such a rule is judged with more care than here.
#[derive(Clone, Copy)]
enum RuleNames {
    /// Rules, and `all`.
    Selected,
    /// Rules.
    Rules,
    /// Rules, and the kinds of their findings.
    Kinds,
}

impl TypedValueParser for RuleNames {
    type Value = String;

    fn parse_ref(
        &self,
        command: &clap::Command,
        argument: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(command, argument, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let all = (matches!(self, Self::Selected)).then(|| PossibleValue::new("all"));
        let rules = crate::rules::all().iter().flat_map(|rule| {
            let meta = rule.meta();
            let own = PossibleValue::new(meta.id.as_str()).help(meta.summary.as_str());
            let kinds = meta.kinds.iter().filter(|_| matches!(self, Self::Kinds));
            let kinds = kinds.map(|kind| PossibleValue::new(format!("{}/{}", meta.id, kind.name)));
            std::iter::once(own).chain(kinds)
        });
        Some(Box::new(all.into_iter().chain(rules)))
    }
}

/// Which files are parsed.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum, Serialize, Deserialize)]
pub enum Read {
    /// Files that are named, and the files and functions in folders that can matter to a rule
    Needed,
    /// All files completely
    Everything,
}

impl From<Read> for Reading {
    fn from(read: Read) -> Self {
        match read {
            Read::Everything => Reading::Everything,
            Read::Needed => Reading::Needed,
        }
    }
}

/// Options of `check`.
#[derive(Args)]
pub struct CheckArgs {
    /// What is checked.
    #[command(flatten)]
    pub asked: Asked,
    /// Check again whenever something changes, until it is interrupted
    #[arg(
        long,
        conflicts_with_all = ["fix", "diff", "add_ignore", "write_baseline", "shard", "changed_since", "stdin_filename"],
        help_heading = "Paths"
    )]
    pub watch: bool,
    /// Check only one of N parts of the files, such as 2/3: all read the same files, and `tallylint merge` joins their
    /// reports (json or sarif)
    #[arg(
        long,
        value_name = "I/N",
        conflicts_with_all = ["fix", "diff", "add_ignore", "write_baseline"],
        help_heading = "Paths"
    )]
    pub shard: Option<Shard>,
    /// The path of the file that standard input stands for
    #[arg(long, value_name = "PATH")]
    pub stdin_filename: Option<PathBuf>,
    /// Apply safe fixes to the files: those that cannot make anything worse. For standard input (`-`), the fixed text
    /// goes to standard output, and the report to standard error
    #[arg(
        long,
        group = "fixing",
        conflicts_with_all = ["add_ignore", "write_baseline"],
        help_heading = "Fixes"
    )]
    pub fix: bool,
    /// Print what --fix would change, as a patch, instead of the findings
    #[arg(
        long,
        group = "fixing",
        conflicts_with_all = ["fix", "add_ignore", "write_baseline", "format", "output", "report", "link_base", "compare"],
        help_heading = "Fixes"
    )]
    pub diff: bool,
    /// With --fix or --diff, also apply fixes that change what the program does
    #[arg(long, requires = "fixing", help_heading = "Fixes")]
    pub unsafe_fixes: bool,
    /// Add comments that ignore the findings, with this reason, instead of reporting them
    #[arg(
        long,
        value_name = "REASON",
        conflicts_with_all = ["format", "output", "report", "link_base", "compare"],
        help_heading = "Rules"
    )]
    pub add_ignore: Option<String>,
    /// Write the findings to the baseline, so that they are not reported from now on
    #[arg(
        long,
        conflicts_with_all = ["format", "output", "report", "link_base", "compare", "add_ignore", "changed_since"],
        help_heading = "Known findings"
    )]
    pub write_baseline: bool,
    /// The cache of results.
    #[command(flatten)]
    pub cache: CacheOptions,
    /// Print on standard error which configuration is used and what is skipped
    #[arg(short, long, conflicts_with = "quiet", help_heading = "Output")]
    pub verbose: bool,
    /// Count the findings of each rule and kind on standard error; with `=engine`, print counters and times of the
    /// analysis
    #[arg(
        long,
        value_enum,
        value_name = "OF",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "findings",
        help_heading = "Output"
    )]
    pub statistics: Option<StatisticsOf>,
    /// How the result is shown.
    #[command(flatten)]
    pub show: Show,
}

/// What is checked, and how: what the result of a run depends on.
#[derive(Args, Clone, Serialize, Deserialize)]
pub struct Asked {
    /// Files and folders; `-` reads standard input
    #[arg(value_name = "PATHS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Run these rules instead of the default ones (`all` for every rule)
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        value_parser = RuleNames::Selected,
        hide_possible_values = true,
        help_heading = "Rules"
    )]
    pub select: Vec<String>,
    /// Do not run these rules
    #[arg(
        long,
        value_name = "RULES",
        value_delimiter = ',',
        value_parser = RuleNames::Rules,
        hide_possible_values = true,
        help_heading = "Rules"
    )]
    pub ignore: Vec<String>,
    /// Also show notes: findings that depend on code that was not found or not followed
    #[arg(long, help_heading = "Rules")]
    pub pedantic: bool,
    /// How much to parse. Files and functions in folders that cannot matter to a selected rule need
    /// not be parsed: this misses no findings, but syntax errors in them
    #[arg(long, value_enum, default_value_t = Read::Needed, help_heading = "Paths")]
    pub read: Read,
    /// Check only what has changed since the work left this git revision (the last commit that both have), and what that
    /// can affect: in files that did not change, only findings that they did not have before are reported
    #[arg(long, value_name = "REV", help_heading = "Paths")]
    pub changed_since: Option<String>,
    /// Leave out excluded files even if they are named on the command line, as by commit hooks
    #[arg(long, help_heading = "Paths")]
    pub force_exclude: bool,
    /// Refuse files that are larger than this, in MiB
    #[arg(
        long,
        value_name = "MIB",
        default_value_t = DEFAULT_FILE_MIB,
        value_parser = clap::value_parser!(u64).range(1..=MAX_FILE_MIB),
        help_heading = "Input"
    )]
    pub max_file_size: u64,
    /// Use this configuration file instead of the nearest one
    #[arg(long, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, conflicts_with = "config", help_heading = "Configuration")]
    pub isolated: bool,
    /// Use this baseline, a file of known findings, instead of those that the configuration names
    #[arg(long, value_name = "FILE", help_heading = "Known findings")]
    pub baseline: Option<PathBuf>,
}

impl Asked {
    /// What overrides configuration files. `write_baseline`: baselines are about to be written.
    #[must_use]
    pub fn overrides(&self, cwd: &Path, write_baseline: bool) -> Overrides {
        Overrides {
            select: self.select.clone(),
            ignore: self.ignore.clone(),
            pedantic: self.pedantic,
            max_file_bytes: Some(self.max_file_size * MIB),
            reading: self.read.into(),
            force_exclude: self.force_exclude,
            baseline: self.baseline.as_ref().map(|path| cwd.join(path)),
            write_baseline,
        }
    }
}

/// How the result of a run is shown.
#[derive(Args)]
pub struct Show {
    /// The lowest severity of a reported finding that makes the exit code 1
    #[arg(
        long,
        value_name = "LEVEL",
        default_value = "warning",
        help_heading = "Rules"
    )]
    pub fail_on: FailOn,
    /// The format of the report
    #[arg(long, default_value = "text", help_heading = "Output")]
    pub format: Format,
    /// Write the report to this file instead of standard output
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Also write a report of the same run to this file, in this format; may be given several times
    #[arg(
        long,
        value_name = "FORMAT=FILE",
        value_parser = report_to,
        help_heading = "Output"
    )]
    pub report: Vec<ReportTo>,
    /// The base of links to files in markdown, github-summary and html: line 5 of `a.py` is at
    /// `URL/a.py#L5`
    ///
    /// In a workflow on GitHub, the default comes from GITHUB_SERVER_URL, GITHUB_REPOSITORY and
    /// GITHUB_SHA.
    #[arg(
        long,
        value_name = "URL",
        value_parser = link_base,
        help_heading = "Output"
    )]
    pub link_base: Option<String>,
    /// An earlier report in the format json: tells in html what is new since, gone, and still there
    #[arg(
        long,
        value_name = "FILE",
        value_hint = ValueHint::FilePath,
        value_parser = Earlier::read,
        help_heading = "Output"
    )]
    pub compare: Option<Earlier>,
    /// Leave out ignored and known findings, which the formats json, sarif, junit and html
    /// list otherwise: some readers, such as code scanning on GitHub, take them for open
    #[arg(long, help_heading = "Output")]
    pub no_ignored: bool,
    /// When to colour the text format
    ///
    /// `auto` colours output to a terminal, and honours the variables NO_COLOR and CLICOLOR_FORCE.
    #[arg(
        long,
        value_name = "WHEN",
        default_value = "auto",
        help_heading = "Output"
    )]
    pub color: ColorChoice,
    /// Do not print the summary, warnings and progress
    #[arg(short, long, help_heading = "Output")]
    pub quiet: bool,
}

impl Show {
    fn formats(&self) -> impl Iterator<Item = Format> {
        let more = self.report.iter().map(|more| more.format);
        more.chain([self.format])
    }

    /// Refuses options that contradict each other.
    ///
    /// # Errors
    /// Says which do.
    pub fn refuse_contradictions(&self) -> Result<(), String> {
        let links = |format: Format| {
            matches!(
                format,
                Format::Markdown | Format::GithubSummary | Format::Html
            )
        };
        if self.link_base.is_some() && !self.formats().any(links) {
            return Err("--link-base needs the format markdown, github-summary or html".to_owned());
        }
        if self.compare.is_some() && !self.formats().any(|format| format == Format::Html) {
            return Err("--compare needs the format html".to_owned());
        }
        let mut files: Vec<&PathBuf> = self.report.iter().map(|more| &more.path).collect();
        files.extend(&self.output);
        files.order();
        match files.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(format!(
                "two reports would be written to {}",
                pair[0].display()
            )),
            None => Ok(()),
        }
    }
}

/// Options of `merge`.
#[derive(Args)]
pub struct MergeArgs {
    /// Reports in the format json or sarif
    #[arg(value_name = "REPORT", required = true)]
    pub reports: Vec<PathBuf>,
    /// Use this baseline, a file of known findings, instead of those that the check used
    #[arg(long, value_name = "FILE", help_heading = "Known findings")]
    pub baseline: Option<PathBuf>,
    /// Write the findings to the baseline, so that they are not reported from now on
    #[arg(
        long,
        conflicts_with_all = ["format", "output", "report", "link_base", "compare"],
        help_heading = "Known findings"
    )]
    pub write_baseline: bool,
    /// How the result is shown.
    #[command(flatten)]
    pub show: Show,
}

/// What `merge` does with which reports.
const MERGE: &str = "\
Reports of `check --shard` are joined as if all had been checked at once: give all shards, in the folder in which they \
were checked, with the same files. The result can be shown in every format.

Other reports must not overlap. Their findings are put together, without the files, in the format of the reports.";

/// What statistics are about.
#[derive(Clone, Copy, PartialEq, Eq, Debug, ValueEnum)]
pub enum StatisticsOf {
    /// The findings.
    Findings,
    /// The analysis.
    Engine,
}

/// The cache of results of earlier runs.
#[derive(Args)]
pub struct CacheOptions {
    /// Neither use nor keep cached results
    #[arg(long, env = "TALLYLINT_NO_CACHE", help_heading = "Cache")]
    pub no_cache: bool,
    /// The folder of the cache, instead of the usual one of the platform
    #[arg(
        long,
        value_name = "FOLDER",
        env = "TALLYLINT_CACHE_DIR",
        help_heading = "Cache"
    )]
    pub cache_dir: Option<PathBuf>,
}

/// Accepts any path, even an empty one: a variable that is set to nothing counts as unset.
fn or_empty() -> impl TypedValueParser<Value = PathBuf> {
    OsStringValueParser::new().map(PathBuf::from)
}

/// Options of `cache`.
#[derive(Args)]
pub struct CacheArgs {
    /// What to do
    #[command(subcommand)]
    pub command: CacheCommand,
}

/// What to do with the cache.
#[derive(Subcommand)]
pub enum CacheCommand {
    /// Delete all cached results
    Clean(CacheFolder),
    /// Print the folder of the cache
    Dir(CacheFolder),
}

/// The folder of the cache.
#[derive(Args)]
pub struct CacheFolder {
    /// The folder of the cache, instead of the usual one of the platform
    #[arg(long, value_name = "FOLDER", env = "TALLYLINT_CACHE_DIR", value_parser = or_empty())]
    pub cache_dir: Option<PathBuf>,
}

/// The lowest severity that fails a run.
#[derive(Clone, Copy, ValueEnum)]
pub enum FailOn {
    /// Any finding (notes are reported with --pedantic only)
    Note,
    /// Warnings and errors
    Warning,
    /// Errors
    Error,
    /// No finding
    Never,
}

impl FailOn {
    /// The threshold; `None` if findings never fail the run.
    pub fn threshold(self) -> Option<Severity> {
        match self {
            FailOn::Note => Some(Severity::Note),
            FailOn::Warning => Some(Severity::Warning),
            FailOn::Error => Some(Severity::Error),
            FailOn::Never => None,
        }
    }
}

/// An additional report of the same run.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ReportTo {
    /// Its format.
    pub format: Format,
    /// The file that it goes to.
    pub path: PathBuf,
}

/// Parses `FORMAT=PATH`.
fn report_to(text: &str) -> Result<ReportTo, String> {
    let Some((format, path)) = text.split_once('=').filter(|(_, path)| !path.is_empty()) else {
        return Err("expected a format and a file, as in `sarif=findings.sarif`".to_owned());
    };
    let format = Format::from_str(format, false).map_err(|_| {
        let names = Format::value_variants().iter();
        let names: Vec<String> = names
            .filter_map(ValueEnum::to_possible_value)
            .map(|value| value.get_name().to_owned())
            .collect();
        let guess = did_you_mean(format, names.iter().map(String::as_str));
        format!(
            "unknown format `{format}`{guess}; the formats are {}",
            names.join(", ")
        )
    })?;
    Ok(ReportTo {
        format,
        path: PathBuf::from(path),
    })
}

/// Parses a URL to which paths can be appended. It must not contain Markdown syntax.
pub fn link_base(text: &str) -> Result<String, String> {
    let known = ["https://", "http://"];
    let rest = known.iter().find_map(|scheme| text.strip_prefix(scheme));
    let url = |c: char| c.is_ascii_alphanumeric() || "-._~/:%+=,@".contains(c);
    match rest {
        Some(rest) if !rest.trim_matches('/').is_empty() && rest.chars().all(url) => {
            Ok(text.trim_end_matches('/').to_owned())
        }
        Some(_) => Err("not a URL that paths can be appended to".to_owned()),
        None => Err("it does not start with https:// or http://".to_owned()),
    }
}

/// When to colour.
#[derive(Clone, Copy, ValueEnum)]
pub enum ColorChoice {
    /// If the output is a terminal
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Options of `contracts`.
#[derive(Args)]
pub struct ContractsArgs {
    /// Files and folders
    #[arg(value_name = "PATHS", default_value = ".")]
    pub paths: Vec<PathBuf>,
    /// Suggest contracts that could be declared instead: what most definitions of a method below a
    /// base class do, or most functions under a decorator, and some do not
    #[arg(long)]
    pub suggest: bool,
    /// The output format
    #[arg(long, default_value = "text")]
    pub format: RulesFormat,
    /// When to colour the text format
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
    /// Use this configuration file instead of the nearest one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, conflicts_with = "config")]
    pub isolated: bool,
}

/// Options of `config`.
#[derive(Args)]
pub struct ConfigArgs {
    /// The file or folder whose settings are printed
    #[arg(value_name = "PATH", default_value = ".")]
    pub path: PathBuf,
    /// The output format (text is an equivalent configuration file)
    #[arg(long, default_value = "text")]
    pub format: RulesFormat,
    /// Use this configuration file instead of the nearest one
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Use no configuration file
    #[arg(long, conflicts_with = "config")]
    pub isolated: bool,
    /// Print the JSON schema of configuration files instead
    #[arg(long, conflicts_with_all = ["path", "format", "config", "isolated"])]
    pub schema: bool,
}

/// Options of `rules`.
#[derive(Args)]
pub struct RulesArgs {
    /// The output format
    #[arg(long, default_value = "text")]
    pub format: RulesFormat,
}

/// The output format of commands that print no findings.
#[derive(Clone, Copy, ValueEnum)]
pub enum RulesFormat {
    /// For people
    Text,
    /// One JSON object
    Json,
}

/// Options of `explain`.
#[derive(Args)]
pub struct ExplainArgs {
    /// The rule, or one kind of its findings, as in `untracked-return/unset`
    #[arg(value_name = "RULE", value_parser = RuleNames::Kinds, hide_possible_values = true)]
    pub rule: String,
    /// When to colour the page
    #[arg(long, value_name = "WHEN", default_value = "auto")]
    pub color: ColorChoice,
}

/// Options of `init`.
#[derive(Args)]
pub struct InitArgs {
    /// The folder to write the files to
    #[arg(value_name = "FOLDER", default_value = ".")]
    pub path: PathBuf,
}

/// Options of `guard`.
#[derive(Args)]
pub struct GuardArgs {
    /// The file to write: the module `tallylint.guard`, for projects that do not want to depend on the package
    #[arg(long, value_name = "PATH")]
    pub write: PathBuf,

    /// Replace the file if it is there
    #[arg(long)]
    pub force: bool,
}

/// Options of `debug`.
#[derive(Args)]
pub struct DebugArgs {
    /// What to look at.
    #[command(subcommand)]
    pub command: DebugCommand,
}

/// What to look at.
#[derive(Subcommand)]
pub enum DebugCommand {
    /// Print control-flow graphs, as text and as Mermaid
    Cfg {
        /// A file, or one function in it
        #[arg(value_name = "FILE[:Class.method]")]
        target: String,
    },
}
