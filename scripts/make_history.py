#!/usr/bin/env python3
"""Write a run history in which it is known why each run recorded nothing; `python -m tallylint.triage` is tried on it.

usage: make_history.py FOLDER [--runs 5000000] [--processors 60] [--days 730] [--seed 1] [--form parquet|csv|jsonl]

Every day of a processor gets a scenario (SCENARIOS), and every run some of the traps of real histories: a row that
says `running` beside the one that says how it ended, a cleaner that turned it into a failure, rows that came twice,
other words for success, processors that changed their name. FOLDER gets the history (`runs`), the rows that are there
(`actual`), what was scheduled (`expected`), a report of findings, the configuration, and the truth: `truth.parquet` by
processor, date and class, `truth.json` for each processor. Same arguments, same rows. It needs duckdb.
"""

import argparse
import json
from pathlib import Path

import duckdb

# Which runs of the day record nothing, and what is so on that day. `rows` is what the table has, `units` what was
# scheduled; None is not known. `runs` says which runs record nothing: all, all but the last, all but the first.
# `share` is how many of 10,000 days are like this.
#    name                  share  runs     class              reason                rows  units  summary
# fmt: off
SCENARIOS = [
    ("recovered",            120, "but-last",  "recovered",       "later-run",          900,  9, "{}"),
    ("failed-recovered",      60, "but-last",  "recovered",       "later-run",          900,  9, '{"rows_failed": 7}'),
    ("counted-before",        80, "but-first", "legitimate-zero", "counted-before",     900,  9, "{}"),
    ("swallowed",             90, "all",       "swallowed-write", "rows-failed",        400,  9,
     '{"rows_failed": 500}'),
    ("swallowed-all",         60, "all",       "swallowed-write", "rows-failed",          0,  9,
     '{"a": {"rows_failed": "12"}}'),
    ("swallowed-later",       50, "but-first", "swallowed-write", "rows-failed",        900,  9, '{"rows_failed":1}'),
    ("tracking",             120, "all",       "tracking-bug",    "rows-exist",         900,  9, '{"rows_failed": 0}'),
    ("no-count",              60, "all",       "tracking-bug",    "rows-exist",         900,  9, None),
    ("unplanned-rows",        30, "all",       "tracking-bug",    "rows-exist",           5,  0, "{}"),
    ("unknown-plan-rows",     30, "all",       "tracking-bug",    "rows-exist",           5, None, "{}"),
    ("skipped",               80, "all",       "legitimate-zero", "skip-reason",          0,  9,
     '{"skip_reason": "off season"}'),
    ("skipped-there",         40, "all",       "legitimate-zero", "skip-reason",        900,  9,
     '{"skip_reason": "loaded"}'),
    ("future",                60, "all",       "legitimate-zero", "future-date",          0,  9, '{"skip_reason": ""}'),
    ("unscheduled",          120, "all",       "legitimate-zero", "nothing-scheduled",    0,  0,
     '{"skip_reason": null}'),
    ("lost",                  90, "all",       "real-loss",       "nothing-there",        0,  9, '{"skipped": 0}'),
    ("lost-quoted",           40, "all",       "real-loss",       "nothing-there",        0,  9,
     '{"message": "\\"rows_failed\\": 9, \\"skip_reason\\": \\"x\\""}'),
    ("rows-unknown",          60, "all",       "unclassified",    "rows-unknown",      None,  9, "{}"),
    ("plan-unknown",          60, "all",       "unclassified",    "schedule-unknown",     0, None, "{}"),
]
# fmt: on
# These processors fail on every run; the others have one day like the above in eight.
NEVER = 2
# These track nothing on four days of ten.
FORGETFUL = 3
# Processor number 5·n is also written by another name, for n below this.
RENAMED = 6


def main() -> None:
    """Write the files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--runs", type=int, default=5_000_000)
    parser.add_argument("--processors", type=int, default=60)
    parser.add_argument("--days", type=int, default=730)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--form", choices=["parquet", "csv", "jsonl"], default="parquet")
    args = parser.parse_args()
    if args.processors <= max(NEVER + FORGETFUL, 5 * RENAMED):
        parser.error("too few processors for all traps")
    # A day needs several runs for a recovery.
    days = max(1, min(args.days, args.runs // (3 * args.processors)))
    args.folder.mkdir(parents=True, exist_ok=True)
    con = duckdb.connect()
    con.execute("set memory_limit = '2GB'")
    plan(con, args.runs, args.processors, days, args.seed)
    write(con, args.folder, args.form)
    (args.folder / "truth.json").write_text(json.dumps(truth_by_processor(con), indent=1) + "\n")
    (args.folder / "report.json").write_text(json.dumps(report(args.processors), indent=1) + "\n")
    (args.folder / "tallylint.toml").write_text(configuration(args.form))


def plan(con: duckdb.DuckDBPyConnection, runs: int, processors: int, days: int, seed: int) -> None:
    """Make the tables `days`, with a scenario for each processor and date, and `runs`, with the traps of each run."""
    # Squares, so that neighbours have nothing in common; the functions of DuckDB that hash may differ between versions.
    con.execute(f"""
        create macro stir(x, salt) as ((x * x) % 2147483647 * 48271 + salt * 15485863) % 2147483647;
        create macro dice(i, salt) as
            stir(stir(stir((i::bigint * 7919 + {seed} * 104729) % 2147483647, salt), {seed}), i::bigint // 2147483647)
    """)
    con.execute("""create table scenarios (id int, name text, share int, zero text, class text, reason text, there int,
                   units int, summary text)""")
    con.executemany(
        "insert into scenarios values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [(number, *scenario) for number, scenario in enumerate(SCENARIOS)],
    )
    con.execute(f"""
        create table bounds as
        select *, sum(share) over (order by id) - share as low, sum(share) over (order by id) as high from scenarios;
        create table days as
        with pairs as (
            select pair, pair % {processors} as number, date '2024-01-01' + (pair // {processors})::int as date,
                {runs} // {processors * days} + (pair < {runs} % {processors * days})::int as runs,
                dice(pair, 1) % 10000 as roll
            from range({processors * days}) as r(pair)
        ), rolled as (
            select *, case when number >= {processors - NEVER} then -1
                when number < {FORGETFUL} and roll >= 6000 then (select low from bounds where name = 'tracking')
                else roll end as lot
            from pairs
        )
        select rolled.*, printf('Processor%02d', number) as processor, bounds.* exclude (id, share, low, high)
        from rolled left join bounds on lot >= low and lot < high
        order by pair
    """)
    con.execute(f"""
        create view runs as
        with numbered as (
            select days.*, unnest(range(runs)) as k, pair * 1000000 + k as run from days
        ), zeros as (
            select *, coalesce(case zero when 'all' then true when 'but-last' then k < runs - 1
                when 'but-first' then k > 0 end, false) as is_zero, dice(run, 2) % 1000 as luck
            from numbered
        )
        select *, number >= {processors - NEVER} or (name is null and luck < 30) as fails,
            printf('%016x', dice(run, 3)::bigint * 2147483647 + run) as run_id,
            date::timestamp + interval 6 hour + to_minutes((k * 5)::int)
                - to_days(case name when 'future' then 3 else 0 end) as started
        from zeros
    """)


# The rows of a run: whether it has each kind, how that says its state, and how many records.
ROWS = """
    select run, number, date, run_id, kind,
        case when number % 5 = 0 and number < {renamed} and dice(run, 4 + kind) % 10 < 3
            then printf('%s_old', lower(processor)) else processor end as processor,
        case kind when 0 then 'running' when 1 then 'failed'
            else case when fails then case when luck % 2 = 0 then 'failed' else 'ERROR' end
                when luck % 50 = 0 then 'Completed' when luck % 50 = 1 then ' SUCCESS' else 'success' end end as status,
        case when kind < 2 or fails then null
            when is_zero or kind = 4 then case when name = 'no-count' then null else 0 end
            else 100 + luck end as records,
        case when kind >= 2 and not fails and is_zero then summary
            when kind = 2 and not fails then '{{"source": "api", "rows_failed": 0}}' end as summary,
        started, case when kind > 0 then started + interval 3 minute end as finished
    from (
        select *, unnest([0, 1, 2, 3, 4]) as kind, dice(run, 5) % 1000 as first, dice(run, 6) % 1000 as second from runs
    )
    -- A run that is running, a cleaner that took it for dead, how it ended, that row again, and once more without rows.
    where kind = 2 or (kind = 0 and first < 80) or (kind = 1 and first < 15) or (kind = 3 and second < 10)
        or (kind = 4 and second >= 995 and not is_zero and not fails)
"""


def write(con: duckdb.DuckDBPyConnection, folder: Path, form: str) -> None:
    """Write the tables."""
    formats = {"parquet": "(format parquet)", "csv": "(format csv, header)", "jsonl": "(format json)"}
    how = formats[form]
    rows = ROWS.format(renamed=5 * RENAMED)
    tables = {
        f"runs.{form}": f"select processor, run_id, date, status, records, summary, started, finished from ({rows})",
        f"actual.{form}": """select processor, date, coalesce(there, case when name is null then runs * 100 end) as rows
            from days where name is null or there is not null""",
        f"expected.{form}": """select processor, date, coalesce(units, 9) as units
            from days where name is null or units is not null""",
    }
    for name, query in tables.items():
        con.execute(f"copy ({query}) to '{folder / name}' {how}")
    con.execute(f"""copy (
        select processor, date, class, reason, count(*) as runs from runs
        where is_zero and not fails group by all order by all
    ) to '{folder / "truth.parquet"}' (format parquet)""")


def truth_by_processor(con: duckdb.DuckDBPyConnection) -> "list[dict[str, object]]":
    """What is true of each processor, counted from the plan."""
    found = con.execute("""
        select processor, count(*) as runs, count(*) filter (not fails) as successes,
            count(*) filter (fails) as failures,
            count(*) filter (is_zero and not fails) as zero_runs,
            count(distinct date) filter (is_zero and not fails) as zero_dates,
            count(distinct date) filter (is_zero and not fails and class = 'real-loss') as real_loss_dates,
            count(distinct date) filter (is_zero and not fails and there > 0) as dates_with_data,
            count(*) filter (not fails and dice(run, 5) % 1000 < 15) as phantom_failures
        from runs group by 1 order by 1
    """)
    names = [column[0] for column in found.description]
    return [dict(zip(names, row)) for row in found.fetchall()]


def report(processors: int) -> "dict[str, object]":
    """A report of the linter in which a finding is in a method that three classes inherit."""

    def finding(line: int, severity: str, symbol: str, kind: str) -> "dict[str, object]":
        return {
            "rule": "untracked-return",
            "kind": kind,
            "severity": severity,
            "message": "the count is not set",
            "path": "processors.py",
            "line": line,
            "symbol": symbol,
            "exits": [line],
            "notes": [],
            "fingerprint": f"{line:016x}",
        }

    def duty(name: str, line: int) -> "dict[str, object]":
        return {
            "class": name,
            "method": "save_data",
            "path": "processors.py",
            "line": line,
            "inherits": None,
            "exits": [{"path": "processors.py", "line": line + 3}],
        }

    names = [f"Processor{number:02}" for number in range(processors)]
    inherited = dict.fromkeys(names[:FORGETFUL], 10)
    findings = [
        finding(13, "error", "BaseProcessor.save_data", "unset-after-write"),
        finding(103, "warning", f"{names[7]}.save_data", "unset"),
        finding(113, "error", f"{names[-1]}.save_data", "never-set"),
    ]
    places = {names[7]: 100, names[-1]: 110}
    duties = [
        duty(name, inherited.get(name, places.get(name, 1000 + 10 * number))) for number, name in enumerate(names)
    ]
    return {"version": 1, "findings": findings, "checklist": duties}


def configuration(form: str) -> str:
    """The configuration, with the other names that processors had."""
    aliases = "".join(f'processor{5 * n:02}_old = "Processor{5 * n:02}"\n' for n in range(RENAMED))
    return (
        f'[triage]\nruns = "runs.{form}"\nactual = "actual.{form}"\nexpected = "expected.{form}"\n'
        f'findings = "report.json"\nas-of = 2026-12-31\n\n[triage.aliases]\n{aliases}'
    )


if __name__ == "__main__":
    main()
