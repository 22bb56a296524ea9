//! Conditions: which counts they admit for a success run, and whether a failed run passes.

use super::*;

#[test]
fn conditions_on_the_count() {
    let cases = [
        ("n > 0", "+"),
        ("n >= 1", "+"),
        ("0 < n", "+"),
        ("n <> 0", "+"),
        ("n != 0", "+"),
        ("n = 0", "0"),
        ("n >= 0", "0+"),
        ("n > -1", "0+"),
        ("n IS NOT NULL", "0+"),
        ("n IS NULL", "N"),
        ("NOT (n = 0)", "+"),
        ("NOT n > 0", "0"),
        ("n > 100", "+"),
        ("n BETWEEN 1 AND 10", "+"),
        ("n BETWEEN 0 AND 10", "0+"),
        ("n NOT BETWEEN 0 AND 0", "+"),
        ("COALESCE(n, 0) > 0", "+"),
        ("IFNULL(n, 0) > 0", "+"),
        ("COALESCE(n, 1) > 0", "N+"),
        ("COALESCE(n, 0) >= 0", "N0+"),
        ("NULLIF(n, 0) IS NOT NULL", "+"),
        ("GREATEST(n, 0) > 0", "+"),
        ("GREATEST(n, 1) > 0", "N0+"),
        ("LEAST(n, 5) > 0", "N+"),
        ("CAST(n AS INT64) > 0", "+"),
        ("SAFE_CAST(n AS INT64) > 0", "+"),
        ("n::int > 0", "+"),
        ("n + 0 > 0", "+"),
        ("n - 1 >= 0", "+"),
        ("-n < 0", "+"),
        ("SIGN(n) = 1", "+"),
        ("ABS(n) > 0", "+"),
        ("n", "+"),
        ("n > @least", "+"),
        ("n >= %s", "+"),
        ("n IN (0)", "0"),
        ("n NOT IN (0)", "+"),
        ("n IS DISTINCT FROM 0", "N+"),
        ("(n > 0) IS TRUE", "+"),
        ("(n > 0) IS NOT TRUE", "N0"),
        ("(n = 0) IS FALSE", "+"),
        ("CASE WHEN n > 0 THEN 1 ELSE 0 END = 1", "+"),
        ("IF(n > 0, 1, 0) = 1", "+"),
        ("n > 0 OR n IS NULL", "N+"),
        ("n > 0 AND day = CURRENT_DATE()", "+"),
        ("n > 0 OR force", "N0+"),
        ("JSON_VALUE(stats, '$.records') > 0", "+"),
        ("(stats ->> 'records')::int > 0", "+"),
        ("stats.records > 0", "+"),
        ("n > (SELECT AVG(x) FROM other)", "0+"),
        ("unheard_of(n) > 0", "N0+"),
    ];
    for (condition, expected) in cases {
        assert_eq!(
            counts(&filtered(condition), "success"),
            expected,
            "{condition}"
        );
        // A status test beside it changes nothing for success runs and keeps the others out.
        let both = filtered(&format!("status = 'success' AND ({condition})"));
        assert_eq!(counts(&both, "success"), expected, "{condition}");
        assert_eq!(counts(&both, "failed"), "", "{condition}");
        assert_eq!(both.demands_records(), expected == "+", "{condition}");
    }
}

#[test]
fn conditions_on_the_status() {
    let cases = [
        ("status = 'success'", true),
        ("'success' = status", true),
        ("status = \"success\"", true),
        ("\"status\" = 'success'", true),
        ("`status` = 'success'", true),
        ("r.status = 'SUCCESS'", true),
        ("status IN ('success', 'partial')", true),
        ("status IN ('success', 'failed')", false),
        ("status NOT IN ('failed')", true),
        ("status NOT IN ('success')", false),
        ("status <> 'failed'", true),
        ("status != 'error'", true),
        ("status <> 'running'", false),
        ("status = 'failed'", false),
        ("NOT status = 'failed'", true),
        ("status LIKE 'succ%'", true),
        ("status ILIKE '%SUCC%'", true),
        ("status NOT LIKE 'fail%'", true),
        ("LOWER(status) = 'success'", true),
        ("UPPER(TRIM(status)) = 'SUCCESS'", true),
        ("CAST(status AS STRING) = 'success'", true),
        ("status::text = 'success'", true),
        ("COALESCE(status, 'failed') = 'success'", true),
        ("CASE WHEN status = 'success' THEN 1 ELSE 0 END = 1", true),
        ("CASE status WHEN 'success' THEN TRUE ELSE FALSE END", true),
        ("status = ANY(ARRAY['success', 'done'])", true),
        ("status IN UNNEST(['success'])", true),
        ("status IN UNNEST(@words)", false),
        ("REGEXP_CONTAINS(status, r'^(success|done)$')", true),
        ("STARTS_WITH(status, 'succ')", true),
        ("status ~* 'success'", true),
        ("status = 'success' OR n > 0", true),
        ("n > 0 AND a OR status = 'success'", true),
        ("status IS NOT NULL", false),
        ("status = @s", false),
        ("status = '□'", false),
        ("□ = 'success'", false),
        ("n > 0", false),
        (
            "EXISTS (SELECT 1 FROM runs r WHERE r.status = 'success')",
            true,
        ),
        (
            "day IN (SELECT day FROM runs WHERE status = 'success')",
            true,
        ),
        ("(SELECT MAX(status) FROM runs) = 'success'", true),
    ];
    for (condition, expected) in cases {
        assert_eq!(
            filtered(condition).filters_success(),
            expected,
            "{condition}"
        );
    }
}

#[test]
fn precedence() {
    assert_eq!(
        counts(&filtered("status = 'success' OR n > 0"), "success"),
        "N0+"
    );
    assert_eq!(
        counts(&filtered("status = 'success' OR n > 0"), "failed"),
        "+"
    );
    assert_eq!(
        counts(&filtered("n > 0 AND a OR status = 'success'"), "success"),
        "N0+"
    );
    assert_eq!(
        counts(&filtered("n > 0 AND (a OR status = 'success')"), "success"),
        "+"
    );
    assert_eq!(
        counts(&filtered("NOT status = 'failed' AND n > 0"), "success"),
        "+"
    );
}

#[test]
fn bound_values() {
    let bound = Bound {
        names: [("s", "success"), ("least", "0"), ("table", "runs")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
        positions: vec![Some("success".to_owned()), Some("1".to_owned())],
    };
    let cases = [
        ("SELECT 1 FROM runs WHERE status = @s", "N0+"),
        ("SELECT 1 FROM runs WHERE status = :s AND n > :least", "+"),
        (
            "SELECT 1 FROM runs WHERE status = %(s)s AND n >= %(least)s",
            "0+",
        ),
        ("SELECT 1 FROM {table} WHERE status = '{s}'", "N0+"),
        ("SELECT 1 FROM %(table)s WHERE status = '%(s)s'", "N0+"),
        ("SELECT 1 FROM runs WHERE status = %s AND n >= %s", "+"),
        ("SELECT 1 FROM runs WHERE status = ? AND n >= ?", "+"),
        ("SELECT 1 FROM runs WHERE n >= $2 AND status = $1", "+"),
        ("SELECT 1 FROM runs WHERE status = '{}' AND n >= {}", "+"),
        ("SELECT 1 FROM runs WHERE status = '{0}'", "N0+"),
    ];
    for (text, expected) in cases {
        let query = read_pieces(&[Piece::Text(text)], &bound).expect(text);
        assert!(query.filters_success(), "{text}");
        assert_eq!(counts(&query, "success"), expected, "{text}");
        assert!(query.named_statuses().contains("success"), "{text}");
    }
}

#[test]
fn holes() {
    let cases = [
        ("SELECT a FROM runs WHERE status = 'success' □", true),
        ("SELECT a FROM runs WHERE status = 'success' AND □", true),
        ("SELECT a FROM runs WHERE □ AND status = 'success'", true),
        ("SELECT a FROM runs WHERE (□) AND status = 'success'", true),
        (
            "SELECT a FROM runs WHERE status = 'success' {% if x %} AND n > 0 {% endif %}",
            true,
        ),
        ("SELECT a FROM □ WHERE status = 'success'", false),
        (
            "SELECT a FROM `□.□.runs` WHERE status = 'success' LIMIT □",
            false,
        ),
        (
            "SELECT a FROM □.runs_□ r WHERE r.status = 'success' AND d = '□'",
            false,
        ),
        (
            "SELECT □ FROM runs WHERE status = 'success' AND d = DATE(□)",
            false,
        ),
        (
            "SELECT a FROM runs WHERE status = 'success' AND d IN □",
            false,
        ),
        (
            "SELECT a FROM runs WHERE status = 'success' AND d = {{ ds }}",
            false,
        ),
    ];
    for (text, open) in cases {
        let query = sql(text);
        assert_eq!(query.has_open_conditions(), open, "{text}");
        assert!(query.filters_success(), "{text}");
    }
}
