//! FROM, joins, set operations, columns, dialects.

use super::*;

#[test]
fn derived_tables_and_ctes() {
    let cases = [
        (
            "SELECT * FROM (SELECT * FROM runs WHERE status = 'success') t",
            "N0+",
        ),
        (
            "SELECT * FROM (SELECT * FROM runs WHERE status = 'success') t WHERE t.n > 0",
            "+",
        ),
        (
            "WITH s AS (SELECT * FROM runs WHERE status = 'success') SELECT * FROM s WHERE n > 0",
            "+",
        ),
        (
            "WITH s AS (SELECT status AS st, records AS c FROM runs) SELECT * FROM s WHERE st = 'success' AND c > 0",
            "+",
        ),
        (
            "WITH s(st, c) AS (SELECT status, records FROM runs) SELECT * FROM s WHERE st = 'success' AND c > 0",
            "+",
        ),
        (
            "WITH a AS (SELECT * FROM runs WHERE status = 'success'), b AS (SELECT * FROM a WHERE n > 0) SELECT * FROM b",
            "+",
        ),
        (
            "SELECT d FROM runs WHERE status = 'success' GROUP BY d HAVING SUM(n) > 0",
            "+",
        ),
        (
            "SELECT d, SUM(n) AS total FROM runs WHERE status = 'success' GROUP BY d HAVING total > 0",
            "+",
        ),
        (
            "SELECT d FROM (SELECT d, SUM(n) AS t FROM runs WHERE status = 'success' GROUP BY d) WHERE t > 0",
            "+",
        ),
        (
            "SELECT d FROM runs WHERE status = 'success' UNION ALL SELECT d FROM runs WHERE status = 'done' AND n > 0",
            "N0+",
        ),
        (
            "SELECT d FROM runs WHERE status = 'success' AND n > 0 UNION ALL SELECT d FROM runs WHERE status = 'success' AND n > 5",
            "+",
        ),
        (
            "SELECT r.d FROM runs r JOIN days d ON d.d = r.d AND r.status = 'success' WHERE r.n > 0",
            "+",
        ),
        (
            "SELECT status FROM runs WHERE status = 'success' QUALIFY ROW_NUMBER() OVER (PARTITION BY d ORDER BY t DESC) = 1",
            "N0+",
        ),
        (
            "SELECT EXISTS (SELECT 1 FROM runs WHERE status = 'success' AND n > 0)",
            "+",
        ),
        ("FROM_IS_LATER", ""),
    ];
    for (text, expected) in cases {
        if expected.is_empty() {
            assert!(try_sql(text).is_none());
            continue;
        }
        let query = sql(text);
        assert_eq!(counts(&query, "success"), expected, "{text}");
        assert!(query.filters_success(), "{text}");
        assert!(!query.has_open_conditions(), "{text}");
    }
}

#[test]
fn rows_are_excluded_by_successes() {
    let texts = [
        "SELECT d.d FROM days d LEFT JOIN runs r ON r.d = d.d AND r.status = 'success' WHERE r.id IS NULL",
        "SELECT d.d FROM days d LEFT JOIN (SELECT d FROM runs WHERE status = 'success') r ON r.d = d.d WHERE r.d IS NULL",
        "SELECT d FROM days d WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.d = d.d AND r.status = 'success')",
        "SELECT d FROM days WHERE d NOT IN (SELECT d FROM runs WHERE status = 'success')",
        "SELECT d FROM days EXCEPT DISTINCT SELECT d FROM runs WHERE status = 'success'",
        "SELECT d.d FROM days d LEFT JOIN runs r ON r.d = d.d WHERE r.status IS NULL OR r.status <> 'success'",
        "SELECT d FROM runs GROUP BY d HAVING COUNTIF(status = 'success') = 0",
        "SELECT d FROM days WHERE (SELECT COUNT(*) FROM runs r WHERE r.d = days.d AND r.status = 'success') = 0",
        "WITH todo AS (SELECT d FROM days WHERE d NOT IN (SELECT d FROM runs WHERE status = 'success')) SELECT * FROM todo",
    ];
    for text in texts {
        let expected = Excluded {
            demands_records: false,
            has_open_conditions: false,
        };
        assert_eq!(sql(text).excludes_success(), Some(expected), "{text}");
    }
}

#[test]
fn rows_are_excluded_by_successes_with_records() {
    let texts = [
        "SELECT d.d FROM days d LEFT JOIN runs r ON r.d = d.d AND r.status = 'success' AND r.records > 0 WHERE r.id IS NULL AND d.d > '2020'",
        "WITH ok AS (SELECT d FROM runs WHERE status = 'success' AND n > 0) SELECT d.d FROM days d LEFT JOIN ok ON ok.d = d.d WHERE ok.d IS NULL",
        "SELECT d FROM days d WHERE NOT EXISTS (SELECT 1 FROM runs r WHERE r.d = d.d AND r.status = 'success' AND r.n > 0)",
        "SELECT d FROM days WHERE NOT d IN (SELECT d FROM runs WHERE status = 'success' AND n > 0)",
        "SELECT d FROM days EXCEPT SELECT d FROM runs WHERE status = 'success' AND COALESCE(n, 0) > 0",
        "SELECT d.d FROM days d LEFT JOIN runs r ON r.d = d.d WHERE r.status IS NULL OR r.status <> 'success' OR COALESCE(r.n, 0) = 0",
        "SELECT d FROM runs GROUP BY d HAVING SUM(CASE WHEN status = 'success' AND n > 0 THEN 1 ELSE 0 END) = 0",
    ];
    for text in texts {
        let expected = Excluded {
            demands_records: true,
            has_open_conditions: false,
        };
        assert_eq!(sql(text).excludes_success(), Some(expected), "{text}");
    }
}

#[test]
fn no_rows_are_excluded_by_successes() {
    let texts = [
        "SELECT d.d FROM days d LEFT JOIN runs r ON r.d = d.d AND r.status = 'success'",
        "SELECT d FROM days WHERE NOT EXISTS (SELECT 1 FROM runs WHERE status = 'failed')",
        "SELECT d FROM days WHERE d IN (SELECT d FROM runs WHERE status = 'success')",
        "SELECT d FROM runs WHERE status = 'success'",
    ];
    for text in texts {
        assert_eq!(sql(text).excludes_success(), None, "{text}");
    }
}

#[test]
fn meaning_of_columns() {
    use Meaning::*;
    let cases: [(&str, &[Meaning]); 20] = [
        ("SELECT status, n FROM runs", &[Status, Records]),
        (
            "SELECT LOWER(r.status) AS s, COALESCE(r.n, 0) c FROM runs r",
            &[Status, Records],
        ),
        ("SELECT COALESCE(n, 1) FROM runs", &[Other]),
        (
            "SELECT SUM(n), COALESCE(SUM(n), 0) FROM runs",
            &[SumOfRecords, SumOfRecords],
        ),
        (
            "SELECT COUNT(*), COUNT(n), COUNT(DISTINCT d) FROM runs",
            &[CountOfRuns, CountOfRuns, CountOfRuns],
        ),
        (
            "SELECT COUNTIF(status = 'success') FROM runs",
            &[CountOfRuns],
        ),
        (
            "SELECT COUNTIF(status = 'success' AND n > 0) FROM runs",
            &[SumOfRecords],
        ),
        (
            "SELECT SUM(CASE WHEN status = 'success' THEN 1 ELSE 0 END) FROM runs",
            &[CountOfRuns],
        ),
        (
            "SELECT SUM(CASE WHEN status = 'success' THEN n END) FROM runs",
            &[SumOfRecords],
        ),
        (
            "SELECT COUNT(*) FILTER (WHERE status = 'success') FROM runs",
            &[CountOfRuns],
        ),
        (
            "SELECT MAX(triggered_at), MAX(n) FROM runs",
            &[MaxOrMin, SumOfRecords],
        ),
        (
            "SELECT 1, 'x', NULL FROM runs",
            &[Constant, Constant, Constant],
        ),
        (
            "SELECT EXISTS (SELECT 1 FROM runs WHERE status = 'success')",
            &[TestOfRuns],
        ),
        (
            "SELECT EXISTS (SELECT 1 FROM runs WHERE status = 'success' AND n > 0)",
            &[TestOfRecords],
        ),
        (
            "SELECT COUNT(*) > 0, SUM(n) > 0, status = 'success' FROM runs",
            &[TestOfRuns, TestOfRecords, TestOfRuns],
        ),
        ("SELECT (SELECT COUNT(*) FROM runs)", &[CountOfRuns]),
        (
            "SELECT id, triggered_at, ROW_NUMBER() OVER (ORDER BY t) FROM runs",
            &[Other, Other, Other],
        ),
        (
            "SELECT ARRAY_AGG(status ORDER BY t DESC LIMIT 1)[OFFSET(0)] FROM runs",
            &[Status],
        ),
        (
            "SELECT * EXCEPT (c) FROM (SELECT status AS s, n AS c, n AS k FROM runs)",
            &[Status, Records],
        ),
        ("SELECT * FROM runs", &[Other]),
    ];
    for (text, expected) in cases {
        assert_eq!(meanings(text), expected, "{text}");
    }
}

#[test]
fn names_of_columns() {
    let names: Vec<_> = sql("SELECT r.status, n AS c, MAX(x), * FROM runs r")
        .columns
        .into_iter()
        .map(|column| column.name)
        .collect();
    let expected = [Some("status"), Some("c"), None, Some("*")];
    assert_eq!(names, expected.map(|name| name.map(str::to_owned)));
}

#[test]
fn a_column_can_filter_by_success() {
    let query = sql("SELECT COUNTIF(status = 'success') AS good, COUNT(*) FROM runs");
    assert!(query.columns[0].filters_success && !query.columns[1].filters_success);
    assert!(!query.filters_success());
}

#[test]
fn one_row() {
    let cases = [
        ("SELECT COUNT(*) FROM runs WHERE status = 'success'", true),
        ("SELECT MAX(d) FROM runs", true),
        ("SELECT EXISTS (SELECT 1 FROM runs)", true),
        (
            "SELECT total FROM (SELECT SUM(n) AS total FROM runs) t",
            true,
        ),
        ("SELECT COUNT(*) FROM runs GROUP BY d", false),
        ("SELECT COUNT(*) FROM runs HAVING COUNT(*) > 0", false),
        ("SELECT SUM(n) OVER (ORDER BY t) FROM runs", false),
        ("SELECT (SELECT COUNT(*) FROM x) FROM runs", false),
        ("SELECT d FROM runs LIMIT 1", false),
    ];
    for (text, expected) in cases {
        assert_eq!(sql(text).always_one_row(), expected, "{text}");
    }
}

#[test]
fn dialects_and_comments() {
    let texts = [
        "SELECT a FROM `proj.ds.table` WHERE status = 'success' AND d = @d;",
        "SELECT a FROM `proj-x`.ds.t WHERE status = 'success' -- AND n > 0",
        "SELECT a FROM t WHERE status = 'success' # AND n > 0\nLIMIT 1",
        "/* runs */ SELECT a FROM t WHERE /* n > 0 AND */ status = 'success'",
        "-- first\nSELECT a FROM t WHERE status = 'success' AND d = %(d)s",
        "SELECT a FROM t WHERE status::text ILIKE 'success' AND d > now() - interval '1 day'",
        "SELECT a FROM t WHERE status = 'success' AND d >= DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY)",
        "SELECT a FROM t WHERE status = 'success' AND d >= DATE_SUB(CURRENT_DATE(), INTERVAL @n DAY)",
        "SELECT a FROM t WHERE status = 'success' AND d IN UNNEST(@dates)",
        "SELECT * EXCEPT(x) FROM t WHERE status = 'success' QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b DESC) = 1",
        "SELECT a FROM t, UNNEST(t.items) AS i WHERE status = 'success'",
        "SELECT DISTINCT ON (a) a FROM t WHERE status = 'success' ORDER BY a, b DESC",
        "SELECT a FROM t WHERE status = 'success' FOR UPDATE SKIP LOCKED",
        "SELECT TOP 1 a FROM t WHERE status = 'success'",
        "select a from t where status='success' limit ? offset ?",
        "(SELECT a FROM t WHERE status = 'success')",
        "SELECT `a` FROM `t` WHERE `status` = \"success\" LIMIT 5, 10",
    ];
    for text in texts {
        let query = sql(text);
        assert_eq!(query.kind, Kind::Select, "{text}");
        assert!(query.filters_success(), "{text}");
        assert_eq!(counts(&query, "success"), "N0+", "{text}");
        assert!(!query.has_open_conditions(), "{text}");
    }
    let tables = sql("SELECT 1 FROM `□.ds.runs` r JOIN other ON r.a = other.a")
        .tables()
        .to_vec();
    assert_eq!(tables, ["?.ds.runs", "other"]);
}

#[test]
fn kinds() {
    let cases = [
        ("SELECT a FROM t", Some(Kind::Select)),
        ("INSERT INTO t (a) VALUES (%s)", Some(Kind::Write)),
        (
            "INSERT INTO t SELECT a FROM runs WHERE status = 'success'",
            Some(Kind::Write),
        ),
        (
            "UPDATE runs SET status = 'success' WHERE id = %s",
            Some(Kind::Write),
        ),
        (
            "DELETE FROM queue WHERE d IN (SELECT d FROM runs WHERE status = 'success')",
            Some(Kind::Write),
        ),
        (
            "MERGE INTO t USING s ON t.a = s.a WHEN MATCHED THEN UPDATE SET a = 1",
            Some(Kind::Write),
        ),
        ("CREATE TABLE t AS SELECT 1 AS a FROM x", Some(Kind::Write)),
        ("TRUNCATE TABLE t", Some(Kind::Write)),
        ("select the best update for success", None),
        (
            "Select one of the runs with status = 'success' from the list below",
            None,
        ),
        ("with success comes responsibility", None),
        ("update the status to success", None),
        ("delete old runs where possible", None),
        ("create a report for status = 'success'", None),
        ("status = 'success'", None),
        ("", None),
        ("Selected rows from table", None),
        ("SELECT", None),
    ];
    for (text, expected) in cases {
        assert_eq!(try_sql(text).map(|query| query.kind), expected, "{text}");
    }
    assert!(
        sql("DELETE FROM queue WHERE d IN (SELECT d FROM runs WHERE status = 'success')")
            .filters_success()
    );
}
