// The editor: the code, what is wrong with it, and the path of one finding.

import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { python } from "@codemirror/lang-python";
import { rust } from "@codemirror/lang-rust";
import { bracketMatching, indentOnInput, indentUnit, syntaxHighlighting } from "@codemirror/language";
import { Compartment, EditorState, StateEffect, StateField } from "@codemirror/state";
import {
  Decoration,
  drawSelection,
  EditorView,
  highlightActiveLine,
  highlightSpecialChars,
  keymap,
  lineNumbers,
  WidgetType,
} from "@codemirror/view";
import { classHighlighter } from "@lezer/highlight";

import { prose } from "./dom.js";
import { drawnPath } from "./path.js";

/**
 * Shows findings: `{marks, path, step}`. A place of the path without a message is the finding itself, to which the
 * path leads.
 */
const show = StateEffect.define();

/** The language of a file, as the analysis tells it. */
export const languageOf = (file) => (file.endsWith(".rs") ? "rust" : "python");

const languages = { python: python(), rust: rust() };

/** What a step of the path says, behind its line. */
class StepNote extends WidgetType {
  constructor(texts, current) {
    super();
    this.text = texts.join("  ·  ");
    this.current = current;
  }

  eq(other) {
    return this.text === other.text && this.current === other.current;
  }

  toDOM() {
    const note = document.createElement("span");
    note.className = this.current ? "step-note current" : "step-note";
    note.append(...prose(this.text));
    // The list of steps says the same.
    note.setAttribute("aria-hidden", "true");
    return note;
  }

  ignoreEvent() {
    return false;
  }
}

const nothing = { marks: [], path: [], step: null };

/** What is shown. When the code changes, it stays where it was until the next check. */
const shownField = StateField.define({
  create: () => ({ ...nothing, decorations: Decoration.none }),
  update(shown, transaction) {
    let { marks, path, step, decorations } = shown;
    if (transaction.docChanged) {
      const move = (at) => transaction.changes.mapPos(at);
      marks = marks.map((mark) => ({ ...mark, from: move(mark.from), to: move(mark.to) }));
      path = path.map((at) => ({ ...at, from: move(at.from) }));
      decorations = decorations.map(transaction.changes);
    }
    for (const effect of transaction.effects) {
      if (effect.is(show)) {
        ({ marks, path, step } = { ...nothing, ...effect.value });
        decorations = decorate(transaction.state, marks, path, step);
      }
    }
    return { marks, path, step, decorations };
  },
  provide: (field) => EditorView.decorations.from(field, (shown) => shown.decorations),
});

function decorate(state, marks, path, step) {
  const out = [];
  for (const { from, to, severity, current } of marks) {
    const mark = Decoration.mark({ class: `finding ${severity}${current ? " current" : ""}` });
    if (from < to) out.push(mark.range(from, to));
  }
  const notes = new Map();
  path.forEach((at, number) => {
    const line = state.doc.lineAt(at.from);
    const known = notes.get(line.from) ?? { line, texts: [], current: false };
    if (at.message) known.texts.push(`${number + 1} ${at.message}`);
    known.current ||= number === step;
    notes.set(line.from, known);
  });
  for (const { line, texts, current } of notes.values()) {
    const name = current ? "step-line current" : "step-line";
    out.push(Decoration.line({ class: name }).range(line.from));
    const widget = new StepNote(texts, current);
    if (texts.length > 0) out.push(Decoration.widget({ widget, side: 1 }).range(line.to));
  }
  return Decoration.set(out, true);
}

/** The offset of a line and a column from 1; columns count characters, not UTF-16 units. */
export function offset(doc, line, column) {
  const { from, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
  let at = 0;
  for (let rest = column - 1; rest > 0 && at < text.length; rest -= 1) {
    at += text.codePointAt(at) > 0xffff ? 2 : 1;
  }
  return from + at;
}

/** Makes the editor. `changed` hears of every change, `stepped` of a click on a step of the path. */
export function editor({ parent, changed, stepped }) {
  const language = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        lineNumbers(),
        drawnPath(shownField, stepped),
        highlightSpecialChars(),
        highlightActiveLine(),
        history(),
        drawSelection(),
        indentOnInput(),
        indentUnit.of("    "),
        bracketMatching(),
        EditorState.tabSize.of(4),
        syntaxHighlighting(classHighlighter),
        shownField,
        language.of(languages.python),
        keymap.of([...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({
          "aria-label": "Code to check",
          "aria-describedby": "editor-help",
          tabindex: "0",
        }),
        EditorView.updateListener.of((update) => {
          if (update.docChanged) changed();
        }),
      ],
    }),
  });
  return {
    view,
    text: () => view.state.doc.toString(),
    /** Replaces the code. It can be undone. */
    replace(text, file) {
      const changes = { from: 0, to: view.state.doc.length, insert: text };
      view.dispatch({ changes, selection: { anchor: 0 }, scrollIntoView: true });
      this.speak(file);
    },
    /** Highlights the language of a file of this name. */
    speak(file) {
      view.dispatch({ effects: language.reconfigure(languages[languageOf(file)]) });
    },
    show(value) {
      view.dispatch({ effects: show.of(value) });
    },
    /** Scrolls to an offset. */
    reveal(at) {
      view.dispatch({ effects: EditorView.scrollIntoView(at, { y: "nearest", yMargin: 60 }) });
    },
  };
}
