"""A processor as real ones are.  `benches/phases.rs` and `scripts/compare.py` make long methods and long files of it:
the lines between `# part` and `# end of part` are repeated, or the lines between `# class` and `# end of class`.
"""
import json
import logging

from common.base import ProcessorBase
from common.notify import notify_error, notify_warning
from common.retry import retry_conflicts
from warehouse.api import Job
from warehouse.errors import NotFound, Refused

log = logging.getLogger(__name__)


# class
class ParcelProcessor(ProcessorBase):
    table = "parcels.weights"

    def run(self, opts=None):
        self.opts = dict(opts or {})
        try:
            self.extract()
            self.save_data()
            count = self.stats.get("rows_inserted", 0)
            self.close_run("success", count)
            return count > 0
        except Exception as error:
            log.exception("run failed")
            self.close_run("failed", 0, error=str(error))
            notify_error("run failed", str(error), {"opts": self.opts})
            return False

    @retry_conflicts
    def save_data(self):
        rows = self.rows
        saved = 0
        problems = []
        # part
        if rows is None or len(rows) == 0:
            log.info("no rows for %s", self.table)
            notify_warning("no rows", "nothing to save", {"table": self.table})
            self.stats["rows_inserted"] = saved
            return True
        if isinstance(rows, dict):
            rows = [rows]
        elif not isinstance(rows, list):
            notify_error("odd rows", "unexpected type %s" % type(rows), {"table": self.table})
            raise ValueError("unexpected type")
        clean = []
        dropped = 0
        for row in rows:
            try:
                clean.append(self.clean(row))
            except (TypeError, ValueError) as error:
                dropped += 1
                if dropped < 5:
                    log.warning("dropped a row: %s", error)
        if dropped:
            notify_warning("rows dropped", "%d of %d" % (dropped, len(rows)), {"table": self.table})
        schema = self.schema_of(self.table)
        try:
            if self.opts.get("replace", True):
                self.remove_old(self.table)
            if len(clean) > 50000:
                for start in range(0, len(clean), 10000):
                    self.load_part(clean[start:start + 10000], schema)
            else:
                self.load_part(clean, schema)
            saved += len(clean)
        except NotFound as error:
            notify_error("table missing", str(error), {"table": self.table})
            raise
        except Exception as error:
            text = str(error).lower()
            if "streaming buffer" in text:
                notify_warning("streaming buffer", text[:200], {"table": self.table})
                self.stats["rows_skipped"] = len(clean)
                return False
            problems.append(text)
        if problems and self.opts.get("strict"):
            raise Refused("; ".join(problems))
        rows = self.rest_of(rows, clean)
        # end of part
        if problems:
            notify_error("parts failed", "%d" % len(problems), {"problems": problems})
            raise Refused(str(problems))
        self.stats["rows_inserted"] = saved
        return True

    def load_part(self, part, schema):
        lines = "\n".join(json.dumps(row, default=str) for row in part)
        job = self.client.load(lines.encode(), self.table, Job(schema=schema, append=True))
        job.result(timeout=300)
        if job.errors:
            log.error("job errors: %s", job.errors[:3])
            raise Refused(str(job.errors[:3]))

    def schema_of(self, table):
        try:
            return self.client.table(table).schema
        except NotFound:
            return None
        except Exception as error:
            log.warning("no schema of %s: %s", table, error)
            return None

    def remove_old(self, table):
        first, last = self.opts.get("from_day"), self.opts.get("to_day")
        if not first or not last:
            return
        try:
            self.client.query("DELETE FROM %s WHERE day BETWEEN @first AND @last" % table).result(timeout=120)
        except NotFound:
            log.info("%s is new", table)
        except Exception as error:
            if "streaming" in str(error).lower():
                notify_warning("not removed", str(error), {"table": table})
                return
            raise

    def rest_of(self, rows, done):
        seen = set(row.get("id") for row in done)
        return [row for row in rows if row.get("id") not in seen]
# end of class
