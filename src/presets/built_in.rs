//! The presets that come with the program.

use std::sync::LazyLock;

use super::Preset;

/// Embeds the files in `rules/presets`. A test compares the list with the folder.
macro_rules! embed {
    ($($name:literal)*) => {
        const FILES: &[(&str, &str)] = &[
            $(($name, include_str!(concat!("../../rules/presets/", $name, ".toml")))),*
        ];
    };
}

embed! {
    "airbyte" "airflow" "arrow" "aws_powertools" "aws_rust" "bigquery" "boto3" "celery" "clickhouse" "dagster" "dbt"
    "deltalake" "deltalake_rust" "diesel" "django" "dlt" "elasticsearch" "kafka" "luigi" "mongodb"
    "object_store" "pandas" "peewee" "polars" "postgres" "prefect" "pubsub" "pyiceberg" "pyspark"
    "rdkafka" "redis" "redshift" "scrapy" "sea_orm" "singer" "snowflake" "sqlalchemy" "sqlx" "subprocess"
    "tokio_postgres"
}

/// The presets with their names, sorted by name.
pub fn built_in() -> &'static [(&'static str, Preset)] {
    static ALL: LazyLock<Vec<(&str, Preset)>> = LazyLock::new(|| {
        let read = |text| toml::from_str(text).expect("presets are valid: a test reads every one");
        FILES
            .iter()
            .map(|(name, text)| (*name, read(text)))
            .collect()
    });
    &ALL
}

/// What each preset is imported as, with the names of the presets. Nothing else is read for that.
pub(super) fn imports() -> impl Iterator<Item = (&'static str, impl Iterator<Item = &'static str>)>
{
    FILES.iter().map(|(name, text)| {
        let list = text
            .split_once("\nimports = [")
            .map_or("", |(_, rest)| rest);
        let list = list.split(']').next().unwrap_or_default();
        (*name, list.split('"').skip(1).step_by(2))
    })
}

#[cfg(test)]
mod tests {
    use super::{FILES, built_in, imports};

    #[test]
    fn every_preset_is_embedded_under_its_file_name() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("rules/presets");
        let paths = folder
            .read_dir()
            .unwrap()
            .map(|entry| entry.unwrap().path());
        let files = paths.filter(|path| path.extension().is_some_and(|e| e == "toml"));
        let mut stems: Vec<String> = files
            .map(|path| path.file_stem().unwrap().to_str().unwrap().to_owned())
            .collect();
        stems.sort();
        let names: Vec<&str> = FILES.iter().map(|(name, _)| *name).collect();
        assert_eq!(stems, names, "rules/presets and the list differ");
        for ((name, preset), (_, found)) in built_in().iter().zip(imports()) {
            assert_eq!(found.collect::<Vec<_>>(), preset.imports, "{name}");
            assert!(
                !preset.title.is_empty() && !preset.imports.is_empty(),
                "{name}"
            );
        }
    }
}
