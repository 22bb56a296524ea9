"""Many small definitions in one file.  `benches/phases.rs` and `scripts/trees.py` make wide files of it: they repeat
the lines between `# class` and `# end of class`, or those between `# function` and `# end of function`, and
number the names that end with `_N`.
"""
import logging

log = logging.getLogger(__name__)


class Processor:
    def __init__(self, client):
        self.client = client
        self.stats = {}

    def run(self, rows):
        self.save_data(rows)
        return self.stats.get("rows_inserted", 0)

    def save_data(self, rows):
        raise NotImplementedError


# class
class Part_N(Processor):
    table = "part_N"

    def save_data(self, rows):
        clean = self.clean(rows)
        if not clean:
            return
        try:
            self.write(clean)
        except ValueError as error:
            log.error("not written: %s", error)
            return
        self.stats["rows_inserted"] = len(clean)

    def clean(self, rows):
        return [row for row in rows if row.get("id")]

    def write(self, rows):
        self.client.insert_rows(self.table, rows)


# end of class
# function
def load_N(client, rows, stats):
    clean = clean_N(rows)
    if not clean:
        return False
    try:
        client.insert_rows("part_N", clean)
    except ValueError as error:
        log.error("not written: %s", error)
    stats["rows_inserted"] = len(clean)
    return True


def clean_N(rows):
    return [row for row in rows if row.get("id")]


# end of function
