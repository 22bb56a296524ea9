//! Methods and functions of libraries, by what they do with a value.

/// Functions whose result says about the same as their argument.
pub const TRANSPARENT: &[&str] = &[
    "int",
    "float",
    "str",
    "bool",
    "abs",
    "max",
    "min",
    "sum",
    "len",
    "list",
    "tuple",
    "set",
    "frozenset",
    "sorted",
    "reversed",
    "dict",
    "next",
    "iter",
    "lower",
    "upper",
    "strip",
    "casefold",
    "same",
    "await",
    "Decimal",
    "coalesce",
    "copy",
    "isoformat",
    "to_dict",
    "enumerate",
    "first",
    "last",
    "one",
];

/// Methods that write fields of a document, or columns of a row.
pub const UPDATES: &[&str] = &["set", "update", "update_one", "merge", "put", "patch"];

/// Methods that give a cursor its query.
pub const EXECUTES: &[&str] = &["execute", "query", "run", "sql"];

/// Methods that turn the rows of a result into one row.
pub const ONE_ROW: &[&str] = &[
    "fetchone",
    "first",
    "one",
    "one_or_none",
    "next",
    "dict",
    "_asdict",
    "to_dict",
    "iloc",
    "fetch_one",
    "fetch_optional",
    "get_result",
    "query_row",
    "query_one",
    "query_opt",
    "last",
    "try_next",
    "exists",
];

/// Methods that turn a result into the first column of one row.
pub const ONE_VALUE: &[&str] = &["scalar", "scalar_one", "scalar_one_or_none", "fetchval"];

/// Methods whose result is the same part of a query's result as their receiver, or argument.
pub const SAME_PART: &[&str] = &[
    "result",
    "fetchall",
    "all",
    "list",
    "tuple",
    "iter",
    "mappings",
    "rows",
    "same",
    "to_dataframe",
    "sorted",
    "execute",
    "unique",
    "partitions",
    "set",
    "fetchmany",
    "to_list",
    "to_dict",
    "values",
    "as_dict",
    "bool",
    "int",
    "float",
    "str",
    "lower",
    "upper",
    "strip",
    "max",
    "min",
    "isoformat",
    "date",
    "fetch",
    "fetch_all",
    "fetch_one",
    "fetch_optional",
    "load",
    "get_results",
    "query_map",
    "into_iter",
    "optional",
    "ok",
    "exists",
    "persistent",
    "map",
    "dict",
    "_asdict",
    "asdict",
    "notna",
    "notnull",
    "itertuples",
    "to_numpy",
    "tolist",
    "to_pandas",
    "to_pylist",
    "collect",
    "head",
    "reset_index",
    "sort_values",
    "dropna",
    "order_by",
    "select_related",
    "values_list",
    "distinct",
    "scalars",
];

/// Calls that fail if there is no row.
pub const NEEDS_A_ROW: &[&str] = &[
    "fetch_one",
    "query_row",
    "query_one",
    "get_result",
    "first",
    "last",
    "next",
    "get",
    "one",
    "max",
    "min",
];

/// Words in names of calls that run a query and return the first column of one row.
pub const VALUE_WORDS: &[&str] = &["scalar", "fetchval", "value", "scalars"];

/// Words in names of calls that run a query and return one row.
pub const ROW_WORDS: &[&str] = &["one", "fetchone", "first", "row", "fetchrow", "single"];

/// Attributes of a result that are its number of rows.
pub const ROW_COUNTS: &[&str] = &["rowcount", "total_rows", "num_rows"];

/// Methods whose result is a text like their receiver.
pub const TEXT_OF_RECEIVER: &[&str] = &["format", "Mod", "replace", "strip", "lower", "upper"];

/// Functions whose result is a text like their first argument.
pub const TEXT_OF_ARGUMENT: &[&str] =
    &["text", "dedent", "cleandoc", "SQL", "str", "literal_column"];

/// Methods that make the file that they are given, or are called on.
pub const MAKES_FILE: &[&str] = &[
    "touch",
    "write_text",
    "write_bytes",
    "upload_from_string",
    "create_new",
];

/// Functions and methods that open a file.
pub const OPENS_FILE: &[&str] = &["open"];

/// Functions and methods that ask whether a file is there.
pub const ASKS_FOR_FILE: &[&str] = &["exists", "isfile", "is_file", "lexists", "path_exists"];

/// Attributes of a data frame that are the frame in another form.
pub const FRAME_PARTS: &[&str] = &["iloc", "loc", "at", "iat", "values", "index"];

/// Functions and methods that ask whether a value is missing.
pub const MISSING: &[&str] = &["isna", "isnull"];

/// Functions and methods that ask whether a value is there.
pub const PRESENT: &[&str] = &["notna", "notnull"];

/// Methods that run the query that they are given as an object.
pub const GIVEN_QUERY: &[&str] = &["execute", "scalars", "scalar"];

/// Methods of object-relational mappers that limit the rows of a query.
pub const FILTERS: &[&str] = &["filter", "filter_by", "where", "exclude"];
