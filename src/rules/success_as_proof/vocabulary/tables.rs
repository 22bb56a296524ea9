//! The words that give names and texts their meaning: data, no logic.

/// Words that other rules know, too.
pub use crate::rules::tables::outcomes::{
    FAILURE, MARK_STATES, MARK_VERBS, NOT_MARKS, OPEN_STATES, PARTIAL, PERFORMERS, PLAIN_SUCCESS,
    ROWS, STATUS, SUCCESS_FLAGS,
};

/// Statuses that mean success.
pub use crate::sql::SUCCESS_WORDS as SUCCESS;

/// Names that hold a count of records.
pub const COUNT: &[&str] = &[
    "records",
    "rows",
    "count",
    "cnt",
    "n",
    "num",
    "total",
    "inserted",
    "loaded",
    "ingested",
    "written",
    "rowcount",
    "nrows",
    "documents",
    "docs",
    "items",
    "entries",
    "volume",
    "upserted",
    "merged",
    "coverage",
    "completeness",
];

/// Words that make a name a count, or an amount, of something other than records.
pub const NOT_COUNT: &[&str] = &[
    "attempt", "attempts", "retry", "retries", "run", "runs", "error", "errors", "failed",
    "failure", "failures", "duration", "seconds", "minutes", "hours", "ms", "age", "elapsed",
    "time", "job", "jobs", "task", "tasks", "skipped", "pending", "day", "days", "date", "dates",
    "limit", "max", "version", "id", "force", "at", "page", "pages", "budget", "workers",
];

/// Names of tables and files in which a row says that a unit is done.
pub const CHECKPOINTS: &[&str] = &["checkpoint", "checkpoints"];

/// Verbs of calls that put rows into a table.
pub const INSERTING: &[&str] = &[
    "insert", "upsert", "write", "append", "put", "add", "save", "store", "create", "merge",
];

/// Things that are read back from a store.
pub const STORES: &[&str] = &[
    "row",
    "rows",
    "run",
    "runs",
    "history",
    "record",
    "records",
    "doc",
    "docs",
    "document",
    "checkpoint",
    "checkpoints",
    "snapshot",
    "last",
    "latest",
    "previous",
    "prior",
    "prev",
    "entry",
    "entries",
    "ledger",
    "registry",
    "manifest",
    "cursor",
    "fetchone",
    "fetchall",
    "scalar",
    "query",
    "execution",
    "executions",
    "log",
];

/// Checkpoints, registries and histories.
pub const REGISTRIES: &[&str] = &[
    "checkpoint",
    "checkpoints",
    "registry",
    "history",
    "ledger",
    "catalog",
    "manifest",
    "tracker",
    "state",
    "store",
    "db",
    "completion",
    "progress",
    "date",
    "day",
    "backfill",
    "gap",
];

/// Replies of services. Their status says how the request went, not what a run did.
pub const REPLIES: &[&str] = &[
    "resp",
    "response",
    "reply",
    "http",
    "request",
    "payload",
    "body",
    "json",
    "webhook",
    "msg",
    "message",
    "event",
    "api",
    "upload",
    "uploaded",
    "future",
    "thread",
    "proc",
    "subprocess",
    "process",
    "deployment",
    "health",
    "healthcheck",
    "ping",
    "probe",
    "callback",
    "rsp",
    "answer",
    "step",
    "upstream",
    "operation",
    "op",
];

/// What a run waits for. That it has ended is all that is asked of it.
pub const AWAITED: &[&str] = &[
    "upstream",
    "upstreams",
    "dependency",
    "dependencies",
    "prerequisite",
    "prerequisites",
    "predecessor",
    "predecessors",
];

/// Things that have a status but are not runs.
pub const OTHER_THINGS: &[&str] = &[
    "container",
    "containers",
    "pod",
    "pods",
    "payment",
    "payments",
    "order",
    "orders",
    "invoice",
    "invoices",
    "ticket",
    "tickets",
    "user",
    "users",
    "widget",
    "button",
    "form",
    "modal",
    "subscription",
    "shipment",
    "delivery",
    "cart",
    "refund",
    "transfer",
    "account",
    "todo",
    "todos",
    "issue",
    "issues",
    "checkbox",
    "ui",
    "toast",
    "claim",
    "booking",
    "game",
    "match",
    "fixture",
    "level",
    "quest",
    "lesson",
    "course",
];

/// Verbs that do work on a unit.
pub const WORK: &[&str] = &[
    "process",
    "load",
    "run",
    "fetch",
    "extract",
    "transform",
    "ingest",
    "sync",
    "import",
    "backfill",
    "save",
    "insert",
    "write",
    "execute",
    "download",
    "upload",
    "trigger",
    "submit",
    "enqueue",
    "schedule",
    "build",
    "export",
    "publish",
    "scrape",
    "crawl",
    "pull",
    "reprocess",
    "compute",
    "generate",
    "archive",
    "migrate",
    "launch",
    "dispatch",
    "materialize",
    "delay",
    "spawn",
    "perform",
    "copy",
    "upsert",
    "merge",
    "apply",
    "collect",
    "calculate",
    "parse",
    "land",
];

/// Words that keep a call from being work: it logs, notifies, waits or reads settings.
pub const NOT_WORK: &[&str] = &[
    "log",
    "logger",
    "notify",
    "notification",
    "alert",
    "alerts",
    "email",
    "slack",
    "metric",
    "metrics",
    "retry",
    "rerun",
    "page",
    "report",
    "print",
    "status",
    "config",
    "settings",
    "history",
    "state",
    "wait",
    "poll",
    "sleep",
    "cancel",
    "fail",
    "failed",
    "failure",
    "json",
    "summary",
    "audit",
    "reexecute",
    "reexecuted",
    "reexecution",
    "tags",
    "priority",
];

/// Receivers whose methods only tell somebody.
pub const NOTIFIERS: &[&str] = &[
    "pager",
    "pagerduty",
    "mailer",
    "mail",
    "notifier",
    "slack",
    "sns",
    "statsd",
    "telemetry",
    "sentry",
    "webhook",
    "events",
    "bus",
    "monitor",
    "dashboard",
];

/// Collections of work to do.
pub const WORK_LISTS: &[&str] = &[
    "todo",
    "pending",
    "remaining",
    "missing",
    "queue",
    "backlog",
    "worklist",
    "work",
    "outstanding",
    "needed",
    "unprocessed",
    "gaps",
];

/// Calls that look whether the records are there.
pub const GATES: &[&str] = &[
    "verify",
    "verified",
    "verifies",
    "coverage",
    "covered",
    "validate",
    "validated",
    "reconcile",
    "reconciled",
];

/// What such a call may look at instead of records.
pub const NOT_GATES: &[&str] = &[
    "args",
    "arguments",
    "config",
    "settings",
    "schema",
    "params",
    "options",
    "opts",
    "input",
    "date",
    "dates",
    "credentials",
    "env",
    "environment",
    "token",
    "auth",
    "request",
    "connection",
    "access",
    "permissions",
    "signature",
];

/// Messages that a unit needs no work.
pub const NOTHING_TO_DO: &[&str] = &[
    "already",
    "duplicate",
    "duplicates",
    "skip",
    "skipped",
    "skipping",
];

/// What follows "already" where that is about the state of a thing, and not about work on a unit:
/// "already exists", "already in state DONE".
pub const STATED: &[&str] = &[
    "exist", "exists", "existing", "being", "running", "started", "open", "opened", "state",
    "progress", "use", "used", "taken",
];

/// First words of a name that asks for a state: `is_done`.
pub const ASKING: &[&str] = &["is", "has", "was", "were"];

/// What such a name may ask for instead of a state from [`MARK_STATES`]: `has_run`.
pub const BEEN: &[&str] = &["run", "ran", "exists", "been"];

/// First words of a name that asks whether there is work to do.
pub const DEMANDING: &[&str] = &["should", "must", "need", "needs"];

/// Verbs that may follow "should" or "must" in a name that asks whether there is work to do.
pub const DEMANDED: &[&str] = &[
    "run",
    "process",
    "load",
    "fetch",
    "ingest",
    "backfill",
    "reprocess",
    "rerun",
    "sync",
];

/// Words that may precede a question about a unit: `check_is_done`, `day_is_complete`.
pub const BEFORE_QUESTION: &[&str] = &["check", "unit", "date", "day"];

/// Words that may precede the verb of a call that does work.
pub const BEFORE_WORK: &[&str] = &[
    "do", "try", "async", "maybe", "start", "bulk", "batch", "force",
];

/// Words in names of calls whose result may say that work succeeded, besides [`PERFORMERS`].
pub const REPORTING: &[&str] = &["is", "has", "one"];

/// Verbs that follow "to" in names of work lists: `days_to_process`.
pub const TO_DO: &[&str] = &[
    "process", "load", "do", "run", "fetch", "backfill", "ingest",
];

/// Verbs that look for something, and so make a gate of a name with a word from [`LOOKED_FOR`].
pub const LOOKING: &[&str] = &["has", "check", "ensure", "exist", "exists"];

/// What shows that records are there.
pub const LOOKED_FOR: &[&str] = &[
    "rows",
    "records",
    "data",
    "coverage",
    "table",
    "partition",
    "row",
];

/// Objects that only summarise a run: a state stored in them marks no unit.
pub const TALLIES: &[&str] = &[
    "stats", "summary", "result", "results", "metrics", "report", "counts", "totals", "out",
];
