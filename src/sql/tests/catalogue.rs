//! The situations that the catalogue of the rule describes, as far as the text decides them.

use super::*;

#[test]
fn existence_of_a_success_run() {
    let query = sql("SELECT 1 FROM runs WHERE d = %s AND status = 'success' LIMIT 1");
    assert!(query.filters_success() && !query.demands_records() && !query.always_one_row());
}

#[test]
fn the_query_demands_records() {
    for guard in [
        "records_processed > 0",
        "records_processed <> 0",
        "records_processed >= 1",
        "COALESCE(records_processed, 0) > 0",
    ] {
        let query = filtered(&format!("status = 'success' AND {guard}"));
        assert!(
            query.filters_success() && query.demands_records(),
            "{guard}"
        );
    }
    for guard in ["records_processed IS NOT NULL", "records_processed >= 0"] {
        assert!(
            !filtered(&format!("status = 'success' AND {guard}")).demands_records(),
            "{guard}"
        );
    }
}

#[test]
fn aggregates_of_success_runs() {
    let of = |list: &str| sql(&format!("SELECT {list} FROM runs WHERE status = 'success'"));
    for (list, meaning) in [
        ("MAX(triggered_at)", Meaning::MaxOrMin),
        ("COUNT(*)", Meaning::CountOfRuns),
        ("COUNT(records_processed)", Meaning::CountOfRuns),
        ("SUM(records_processed)", Meaning::SumOfRecords),
    ] {
        let query = of(list);
        assert!(query.filters_success() && query.always_one_row(), "{list}");
        assert_eq!(query.columns[0].meaning, meaning, "{list}");
    }
}

#[test]
fn latest_run_has_no_filter() {
    let query = sql("SELECT status, records_processed FROM runs ORDER BY started_at DESC LIMIT 1");
    assert!(!query.filters_success() && query.named_statuses().is_empty());
    assert_eq!(counts(&query, "failed"), "N0+");
}

#[test]
fn parts_that_are_added_later() {
    let base = "SELECT 1 FROM runs WHERE status = 'success'";
    assert!(!sql(base).demands_records());
    assert!(sql(&format!("{base} AND n > 0")).demands_records());
    let open = sql(&format!("{base}□"));
    assert!(open.has_open_conditions() && open.admits("success", Count::Zero));
}

#[test]
fn a_comment_demands_nothing() {
    let query = sql("SELECT 1 FROM runs WHERE status = 'success' -- AND n > 0\n/* AND n > 0 */");
    assert_eq!(counts(&query, "success"), "N0+");
}

#[test]
fn runs_to_repeat() {
    let query = filtered("status = 'success' AND records_processed = 0");
    assert_eq!(counts(&query, "success"), "0");
    assert!(!query.demands_records());
}
