//! Texts that no parser takes, hostile texts, truncated texts.

use super::*;

const SAMPLES: &[&str] = &[
    "WITH s AS (SELECT status AS st, records AS c FROM `a.b.runs`) SELECT * FROM s WHERE st = 'success' AND c BETWEEN 1 AND 5",
    "SELECT d.d FROM days d LEFT JOIN runs r ON r.d = d.d AND r.status IN ('success', \"ok\") WHERE r.id IS NULL /* x */ -- y",
    "SELECT SUM(CASE WHEN status = 'success' THEN n END)::int FROM runs WHERE d = %(d)s AND e = @e AND f = {f!r:>3} GROUP BY 1 HAVING SUM(n) > 0",
    "SELECT * EXCEPT(x) FROM r WHERE d >= DATE_SUB(CURRENT_DATE(), INTERVAL 1 DAY) QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) = 1 {% if a %} AND {{ b }} {% endif %}",
    "UPDATE runs SET status = 'success' WHERE id IN (SELECT id FROM q WHERE n::text ~ '^(a|b)$') RETURNING ${x}, $1, ?",
];

#[test]
fn tokens_when_nothing_parses() {
    let cases = [
        (
            "SELECT a FROM runs WHERE status = 'success' AND n > 0 FROBNICATE BY x",
            "N0+",
            true,
        ),
        (
            "SELECT a FROM runs WHERE status = 'success' AND d ~~~ 3 AND n > 0",
            "+",
            false,
        ),
        (
            "SELECT a, b c d FROM runs WHERE status = 'success' AND n BETWEEN 1 AND 9 AND d @@@@ 3",
            "+",
            true,
        ),
        (
            "SELECT a b c FROM runs WHERE status = 'success' AND n > 0",
            "+",
            false,
        ),
        (
            "SELECT a b c FROM runs WHERE (status = 'success' OR n > 0)",
            "N0+",
            false,
        ),
        (
            "SELECT a FROM runs WHERE status = 'success' AND d = 'unterminated",
            "N0+",
            true,
        ),
        (
            "SELECT a b c FROM runs WHERE status □ 'success'",
            "N0+",
            true,
        ),
    ];
    for (text, expected, open) in cases {
        let query = sql(text);
        assert_eq!(query.kind, Kind::Select, "{text}");
        assert_eq!(counts(&query, "success"), expected, "{text}");
        assert_eq!(query.has_open_conditions(), open, "{text}");
        assert_eq!(query.tables(), ["runs"], "{text}");
    }
}

#[test]
fn hostile_texts() {
    let deep = |open: &str, close: &str, count: usize| {
        format!(
            "SELECT a FROM runs WHERE {}n > 0{}",
            open.repeat(count),
            close.repeat(count)
        )
    };
    let texts = [
        deep("(", ")", 20_000),
        deep("(", ")", 12),
        deep("f(", ")", 11),
        deep("NOT ", "", 20_000),
        deep("- ", "", 20_000),
        deep("CASE WHEN ", " THEN 1 END", 3_000),
        deep("EXISTS (SELECT 1 FROM t WHERE ", ")", 5_000),
        deep("a = 1 OR ", "", 10_000),
        deep("a || ", "", 10_000),
        deep("a[", "]", 5_000),
        deep("(", "", 20_000),
        deep("", ")", 20_000),
        format!(
            "SELECT a FROM {}t{} WHERE n > 0",
            "(".repeat(13),
            ")".repeat(13)
        ),
        format!(
            "SELECT a FROM t WHERE {}",
            "SELECT 1 FROM t UNION ".repeat(5_000)
        ),
        format!("SELECT {} FROM t", "a, ".repeat(9_000)),
        format!("SELECT a FROM t WHERE d IN ({} 1)", "1, ".repeat(9_000)),
    ];
    for text in texts {
        if let Some(query) = try_sql(&text) {
            assert!(query.admits("success", Count::Positive), "{}", &text[..60]);
        }
    }
    let query = sql(&deep("(", ")", 20_000));
    assert!(query.has_open_conditions() && query.admits("success", Count::Zero));
    assert!(
        try_sql(&format!(
            "SELECT a FROM t WHERE x = '{}'",
            "x".repeat(300_000)
        ))
        .is_none()
    );
}

#[test]
fn doubling_through_ctes() {
    let mut text = String::from("WITH c0 AS (SELECT n AS x FROM runs)");
    for level in 1..60 {
        let before = level - 1;
        text += &format!(", c{level} AS (SELECT x + x AS x FROM c{before} WHERE x > 0)");
    }
    let query = sql(&format!("{text} SELECT x FROM c59"));
    assert!(query.admits("success", Count::Positive) && query.has_open_conditions());
}

#[test]
fn truncated_and_shuffled_texts() {
    // A linear congruential generator: the same texts in each run.
    let mut seed = 7_u64;
    let mut next = |below: usize| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(seed >> 33).unwrap() % below.max(1)
    };
    for sample in SAMPLES {
        let chars: Vec<char> = sample.chars().collect();
        for end in 0..chars.len() {
            let text: String = chars[..end].iter().collect();
            let _ = try_sql(&text);
        }
        for _ in 0..150 {
            let mut text = chars.clone();
            for _ in 0..3 {
                let (from, to) = (next(text.len()), next(text.len()));
                let moved = text.remove(from);
                text.insert(to.min(text.len()), moved);
                let at = next(text.len());
                text[at] = ['(', ')', '\'', '"', '`', '□', '{', '%', 'é', '\\'][next(10)];
            }
            let text: String = text.into_iter().collect();
            let _ = try_sql(&format!("SELECT a FROM b WHERE {text}"));
            let _ = try_sql(&text);
        }
    }
}
