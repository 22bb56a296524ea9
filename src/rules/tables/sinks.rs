//! Writes that only the receiver tells apart from other calls: `producer.send(…)` writes,
//! `mail.send(…)` does not.

/// What one kind of storage client is called, and how it is written to.
struct Sink {
    /// Words in names of such receivers.
    receivers: &'static [&'static str],
    /// The methods that write.
    methods: &'static [&'static str],
}

const SINKS: &[Sink] = &[
    // Kafka, Kinesis, SQS.
    Sink {
        receivers: &["producer", "kinesis", "firehose", "sqs"],
        methods: &[
            "send",
            "produce",
            "send_and_wait",
            "send_batch",
            "send_message",
            "send_message_batch",
        ],
    },
    // Managers and query sets of Django.
    Sink {
        receivers: &["objects"],
        methods: &["create", "update", "acreate", "aupdate"],
    },
    // Elasticsearch and OpenSearch.
    Sink {
        receivers: &["es", "elastic", "elasticsearch", "opensearch"],
        methods: &["index", "create", "update"],
    },
    // Writers of Spark frames: `frame.write.mode(…).parquet(…)`.
    Sink {
        receivers: &["write"],
        methods: &["parquet", "orc", "csv", "json", "text", "jdbc", "delta"],
    },
    // References to documents of Firestore.
    Sink {
        receivers: &["ref"],
        methods: &["set", "create", "update"],
    },
    // Redis, where it is no cache.
    Sink {
        receivers: &["redis", "pipe", "pipeline"],
        methods: &["xadd", "rpush", "lpush", "hset", "zadd", "sadd", "mset"],
    },
];

/// The words of a name in lower case, whether they are joined by underscores or by capitals.
pub(super) fn words(name: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    let mut begins = true;
    let mut after_lower = false;
    for c in name.chars() {
        if !c.is_alphanumeric() {
            begins = true;
            continue;
        }
        if begins || c.is_uppercase() && after_lower {
            out.push(String::new());
        }
        begins = false;
        after_lower = c.is_lowercase() || c.is_numeric();
        if let Some(word) = out.last_mut() {
            word.extend(c.to_lowercase());
        }
    }
    out
}

/// Whether a call writes to a storage client, judged by its name and that of its receiver.
pub(super) fn writes_to(receiver: &str, method: &str) -> bool {
    let mut sinks = SINKS.iter().filter(|sink| sink.methods.contains(&method));
    sinks.any(|sink| {
        let words = words(receiver);
        words.iter().any(|w| sink.receivers.contains(&w.as_str()))
    })
}

/// Whether a call would write if its receiver were a storage client.
pub(super) fn may_write_to_some(method: &str) -> bool {
    SINKS.iter().any(|sink| sink.methods.contains(&method))
}

/// Whether a word names some storage client.
pub(super) fn is_receiver(word: &str) -> bool {
    SINKS.iter().any(|sink| sink.receivers.contains(&word))
}

/// The methods that write to some storage client.
pub(super) fn methods() -> impl Iterator<Item = &'static str> {
    SINKS.iter().flat_map(|sink| sink.methods).copied()
}

#[cfg(test)]
mod tests {
    use super::{words, writes_to};

    #[test]
    fn the_receiver_decides() {
        assert!(writes_to("producer", "send") && writes_to("KafkaProducer", "send"));
        assert!(writes_to("order_producer", "produce") && writes_to("objects", "create"));
        assert!(!writes_to("mailer", "send") && !writes_to("settings", "update"));
        assert!(!writes_to("producers_config", "update") && !writes_to("write", "mode"));
    }

    #[test]
    fn words_of_both_styles() {
        assert_eq!(words("saveAsTable"), ["save", "as", "table"]);
        assert_eq!(words("insert_rows_json"), ["insert", "rows", "json"]);
        assert_eq!(words("HTTPProducer"), ["httpproducer"]);
    }
}
