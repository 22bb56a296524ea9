"""Inputs become typed rows; malformed rows are left out, counted and named by line."""

from __future__ import annotations

import datetime
import gzip
from pathlib import Path
from typing import Any

import pytest

ibis = pytest.importorskip("ibis")

from tallylint.triage import columns, inputs  # noqa: E402
from tallylint.triage.errors import TriageError  # noqa: E402

HEAD = "processor,run_id,date,status,records,summary,started,finished\n"
GOOD = "P,a,2026-01-05,success,3,,2026-01-05 06:00:00,\n"


def read(path: Path | str, names: dict[str, str] | None = None, of: Any = columns.RUNS) -> inputs.Input:
    folder = Path(path).parent
    con = inputs.connect(None, folder, 250)
    return inputs.Reader(con, folder, 250).read(str(path), of, names or {}, may_move=False)


def rows(found: inputs.Input) -> list[dict[str, Any]]:
    result: list[dict[str, Any]] = found.table.to_pyarrow().to_pylist()
    return result


def wrong(found: inputs.Input) -> list[tuple[str, str]]:
    return [(one.where, one.what) for one in found.malformed.named]


def csv(folder: Path, *lines: str, head: str = HEAD) -> Path:
    path = folder / "runs.csv"
    path.write_text(head + "".join(lines))
    return path


def jsonl(folder: Path, *lines: str) -> Path:
    path = folder / "runs.jsonl"
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_values_are_typed(tmp_path: Path) -> None:
    found = read(csv(tmp_path, GOOD))
    assert rows(found) == [
        {
            "processor": "P",
            "run_id": "a",
            "date": datetime.date(2026, 1, 5),
            "status": "success",
            "records": 3,
            "summary": None,
            "started": datetime.datetime(2026, 1, 5, 6),
            "finished": None,
        }
    ]
    assert found.malformed == inputs.Malformed()


@pytest.mark.parametrize(
    ("line", "what"),
    [
        (",a,2026-01-05,success,3,,,", "processor is empty"),
        ("P,,2026-01-05,success,3,,,", "run_id is empty"),
        ("P,a,,success,3,,,", "date is empty"),
        ("P,a,2026-01-05,,3,,,", "status is empty"),
        ("P,a,2026-02-30,success,3,,,", "date is `2026-02-30`"),
        ("P,a,2026-01-05,success,many,,,", "records is `many`"),
        ("P,a,2026-01-05,success,-1,,,", "records is `-1`"),
        ("P,a,2026-01-05,success,1.5,,,", "records is `1.5`"),
        ("P,a,2026-01-05,success,nan,,,", "records is `nan`"),
        ("P,a,2026-01-05,success,3,,soon,", "started is `soon`"),
    ],
)
def test_a_wrong_value_is_named_by_line(tmp_path: Path, line: str, what: str) -> None:
    found = read(csv(tmp_path, GOOD, f"{line}\n", GOOD))
    assert wrong(found) == [("line 3", what)]
    assert found.malformed.count == 1
    assert len(rows(found)) == 2


def test_a_whole_number_may_have_a_point(tmp_path: Path) -> None:
    assert rows(read(csv(tmp_path, "P,a,2026-01-05,success,3.0,,,\n")))[0]["records"] == 3


def test_no_count_is_no_error(tmp_path: Path) -> None:
    assert rows(read(csv(tmp_path, "P,a,2026-01-05,success, ,,,\n")))[0]["records"] is None


def test_times_have_zones(tmp_path: Path) -> None:
    lines = [f"P,a,2026-01-05,success,3,,{at},\n" for at in ("2026-01-05T06:00:00+02:00", "2026-01-05T06:00:00Z")]
    starts = [one["started"] for one in rows(read(csv(tmp_path, *lines)))]
    assert starts == [datetime.datetime(2026, 1, 5, 4), datetime.datetime(2026, 1, 5, 6)]


def test_a_date_may_have_a_time(tmp_path: Path) -> None:
    found = rows(read(csv(tmp_path, "P,a,2026-01-05T23:30:00-05:00,success,3,,,\n")))
    assert found[0]["date"] == datetime.date(2026, 1, 5)


def test_lines_of_another_shape_are_named(tmp_path: Path) -> None:
    found = read(csv(tmp_path, GOOD, "P,a\n", GOOD, "P,a,2026-01-05,success,3,,,,x\n", "P,a,bad,success,3,,,\n"))
    places = [where for where, _ in wrong(found)]
    assert places == ["line 3", "line 5", "line 6"]
    assert found.malformed.count == 3
    assert len(rows(found)) == 2


def test_line_breaks_in_quotes_count_as_lines(tmp_path: Path) -> None:
    two = 'P,a,2026-01-05,success,3,"{""note"":\n""x""}",,\n'
    found = read(csv(tmp_path, two, "P,a,bad,success,3,,,\n", two, "P,a\n", two, "P,a,worse,success,3,,,\n"))
    assert [where for where, _ in wrong(found)] == ["line 4", "line 7", "line 10"]
    assert rows(found)[0]["summary"] == '{"note":\n"x"}'


def test_line_breaks_in_a_record_of_another_shape_count_as_lines(tmp_path: Path) -> None:
    other = 'P,a,2026-01-05,success,3,"{\n\n}",,,x\n'
    found = read(csv(tmp_path, GOOD, other, GOOD, "P,a,bad,success,3,,,\n", "P,a\n"))
    assert [where for where, _ in wrong(found)] == ["line 3", "line 7", "line 8"]


def test_all_malformed_rows_are_counted_and_the_first_are_named(tmp_path: Path) -> None:
    bad = [line for n in range(60) for line in (f"P,a,bad{n},success,3,,,\n", "P,a\n")]
    found = read(csv(tmp_path, GOOD, *bad))
    assert found.malformed.count == 120
    assert [where for where, _ in wrong(found)] == [f"line {n}" for n in range(3, 3 + inputs.NAMED)]


def test_a_large_file_names_the_right_lines(tmp_path: Path) -> None:
    lines = [GOOD] * 300_000
    for number in (77, 123_456, 299_999):
        lines[number] = "P,a,bad,success,3,,,\n"
    lines[200_000] = "P,a\n"
    found = read(csv(tmp_path, *lines))
    assert [where for where, _ in wrong(found)] == ["line 79", "line 123458", "line 200002", "line 300001"]


def test_bytes_that_are_no_text_are_named(tmp_path: Path) -> None:
    path = csv(tmp_path, GOOD)
    path.write_bytes(path.read_bytes() + b"P\xff,a,2026-01-05,success,3,,,\n" + GOOD.encode())
    found = read(path)
    assert [where for where, _ in wrong(found)] == ["line 3"]
    assert len(rows(found)) == 2


def test_compressed_and_with_tabs(tmp_path: Path) -> None:
    path = tmp_path / "runs.tsv.gz"
    path.write_bytes(gzip.compress((HEAD + GOOD).replace(",", "\t").encode()))
    assert rows(read(path))[0]["records"] == 3


def test_json_lines(tmp_path: Path) -> None:
    found = read(
        jsonl(
            tmp_path,
            '{"processor": "P", "run_id": 7, "date": "2026-01-05", "status": "success", "records": 0,'
            ' "summary": {"rows_failed": 2}, "started": "2026-01-05T06:00:00Z"}',
            '{"processor": "P", "run_id": "b", "date": "2026-01-05", "status": "success", "records": null}',
        )
    )
    first, second = rows(found)
    assert (first["run_id"], first["records"], first["summary"]) == ("7", 0, '{"rows_failed":2}')
    assert (second["run_id"], second["records"], second["summary"]) == ("b", None, None)
    assert not found.malformed.count


def test_malformed_json_lines_are_named(tmp_path: Path) -> None:
    good = '{"processor": "P", "run_id": "a", "date": "2026-01-05", "status": "success", "records": 1}'
    found = read(
        jsonl(
            tmp_path,
            good,
            '{"processor": "P", "run_id": "a"',
            "",
            good,
            good.replace("1}", '"x"}'),
            '{"processor": "P"}',
            "[1, 2]",
            good,
        )
    )
    assert wrong(found) == [
        ("line 2", "no JSON"),
        ("line 5", "records is `x`"),
        ("line 6", "run_id is empty"),
        ("line 7", "processor is empty"),
    ]
    assert found.malformed.count == 4
    assert len(rows(found)) == 3


def test_a_line_of_json_that_is_too_long_is_named(tmp_path: Path) -> None:
    good = '{"processor": "P", "run_id": "a", "date": "2026-01-05", "status": "success", "records": 1}'
    found = read(jsonl(tmp_path, good, good.replace("success", "s" * 3_000_000), good, good.replace("1}", '"x"}')))
    assert [where for where, _ in wrong(found)] == ["line 2", "line 4"]
    assert (found.malformed.count, len(rows(found))) == (2, 2)


def test_text_is_one_file(tmp_path: Path) -> None:
    for name in ("a.csv", "b.csv"):
        (tmp_path / name).write_text(HEAD + GOOD)
    with pytest.raises(TriageError, match="means 2 files"):
        read(tmp_path / "*.csv")


def test_parquet_rows_are_named_by_number(tmp_path: Path) -> None:
    import pyarrow
    import pyarrow.parquet

    path = tmp_path / "runs.parquet"
    table = pyarrow.table(
        {
            "job": ["P", None, "P", ""],
            "day": [datetime.datetime(2026, 1, 5, 6)] * 4,
            "status": ["success"] * 4,
            "records": [1.0, 2.0, 2.5, 3.0],
            "summary": [{"rows_failed": n} for n in range(4)],
        }
    )
    pyarrow.parquet.write_table(table, path)
    found = read(path, {"processor": "job", "date": "day"})
    assert wrong(found) == [("row 2", "job is empty"), ("row 3", "records is `2.5`"), ("row 4", "job is empty")]
    (one,) = rows(found)
    assert (one["date"], one["records"], one["summary"]) == (datetime.date(2026, 1, 5), 1, '{"rows_failed":0}')
    assert "run-id" not in found.has


def test_a_missing_column_is_an_error(tmp_path: Path) -> None:
    path = csv(tmp_path, head="processor,date,status\n")
    with pytest.raises(TriageError, match=r"has no column `records` .* it has processor, date, status"):
        read(path)


def test_a_named_column_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(TriageError, match="has no column `details`"):
        read(csv(tmp_path, GOOD), {"summary": "details"})


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TriageError, match="there is no file"):
        read(tmp_path / "runs.csv")


def test_a_file_that_is_none_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "runs.parquet"
    path.write_text("no parquet")
    with pytest.raises(TriageError, match="cannot be read"):
        read(path)


def test_a_table_of_a_database(tmp_path: Path) -> None:
    path = tmp_path / "history.duckdb"
    con = ibis.duckdb.connect(path)
    con.raw_sql("create schema ops; create table ops.runs as select 'P' as processor, date '2026-01-05' as date,"
                " unnest(['success', '']) as status, 4 as records")  # fmt: skip
    con.disconnect()
    con = inputs.connect(f"duckdb://{path}", tmp_path, 250)
    found = inputs.Reader(con, tmp_path, 250).read("ops.runs", columns.RUNS, {}, may_move=False)
    assert [one["records"] for one in rows(found)] == [4]
    assert wrong(found) == [("processor P, date 2026-01-05", "status is empty")]
    with pytest.raises(TriageError, match=r"there is no table ops\.run"):
        inputs.Reader(con, tmp_path, 250).read("ops.run", columns.RUNS, {}, may_move=False)
    con.disconnect()


def test_a_way_that_leads_nowhere_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(TriageError, match="there is no way to nonsense://me@there/x: ") as error:
        inputs.connect("nonsense://me:secret@there/x", tmp_path, 250)
    assert "secret" not in str(error.value)
