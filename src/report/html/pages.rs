//! The pages of the rules, each in a template of its own.

use std::io::{self, Write};

use pulldown_cmark::{CowStr, Event, Options, Parser, Tag, TagEnd, html};

use crate::rules;

/// Writes all of them.
pub(super) fn write<W: Write + ?Sized>(out: &mut W) -> io::Result<()> {
    for rule in rules::all() {
        let meta = rule.meta();
        let page = rendered(meta.page);
        writeln!(out, "<template id=\"rule-{}\">{page}</template>", meta.id)?;
    }
    Ok(())
}

/// A page as HTML. Links to rules stay here; what is in no report loses its link.
fn rendered(page: &str) -> String {
    let mut dropped = Vec::new();
    let events = Parser::new_ext(page, Options::ENABLE_TABLES).filter_map(|event| match event {
        Event::Start(Tag::Link {
            link_type,
            dest_url,
            title,
            id,
        }) => {
            let target = target(&dest_url);
            dropped.push(target.is_none());
            Some(Event::Start(Tag::Link {
                link_type,
                dest_url: CowStr::from(target?),
                title,
                id,
            }))
        }
        Event::End(TagEnd::Link) if dropped.pop() == Some(true) => None,
        event => Some(event),
    });
    let mut out = String::with_capacity(page.len() * 2);
    html::push_html(&mut out, events);
    out
}

/// Where a link of a page leads in a report.
fn target(link: &str) -> Option<String> {
    if link.starts_with("https://") {
        return Some(link.to_owned());
    }
    let name = link.split('#').next()?.strip_suffix(".md")?;
    let mut known = rules::all().iter();
    known
        .any(|rule| rule.meta().id == name)
        .then(|| format!("#/rule/{name}"))
}

#[cfg(test)]
mod tests {
    use super::rendered;

    #[test]
    fn links_lead_to_what_is_in_the_report() {
        let page = rendered(
            "## A\n\n[b](untracked-return.md#x) [c](../presets.md) [d](https://example.org/)\n",
        );
        assert_eq!(
            page,
            "<h2>A</h2>\n<p><a href=\"#/rule/untracked-return\">b</a> c <a href=\"https://example.org/\">d</a></p>\n"
        );
    }
}
