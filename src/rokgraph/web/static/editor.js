// The query editor: the plain form, with a script beside it that colours and completes.
// Nothing is asked of another host; what is completed comes from /completions.json.
"use strict";

const form = document.getElementById("ask");
const area = document.getElementById("query");
const field = document.getElementById("filter");

field.addEventListener("input", () => {
  const words = field.value.toLowerCase().split(/\s+/);
  for (const item of document.querySelectorAll(".shelf li")) {
    const text = item.dataset.words.toLowerCase();
    item.hidden = !words.every((word) => text.includes(word));
  }
  for (const part of document.querySelectorAll(".shelf section")) {
    part.hidden = !part.querySelector("li:not([hidden])");
  }
});

area.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
});

if (window.Yasqe) {
  const Yasqe = window.Yasqe.default || window.Yasqe.Yasqe || window.Yasqe;
  let known, chosen;
  const names = () => (known ||= fetch(form.dataset.names).then((answer) => answer.json()));
  // What is being written at the cursor: a prefixed name or a word, Hangul too.
  const written = (editor) => {
    const { line, ch } = editor.getDoc().getCursor();
    return editor.getDoc().getLine(line).slice(0, ch).match(/[\p{L}\p{N}_:.-]*$/u)[0];
  };
  const place = (editor) => {
    const { line, ch } = editor.getDoc().getCursor();
    return editor.getDoc().getLine(line).slice(0, ch - written(editor).length);
  };
  const free = (editor) => !/(["'<?$#]|\bprefix\s*)$/i.test(place(editor));
  const wanted = (editor) => (/\ba\s+$/.test(place(editor)) ? "class" : editor.getCompleteToken().state.possibleCurrent.includes("a") ? "property" : "thing");
  const told = (term) => [...new Set(document.documentElement.lang === "ko" ? [term[3], term[2]] : [term[2], term[3]])].filter(Boolean).join(" · ");
  const find = async (editor, text) => {
    const { terms } = await names();
    const kind = wanted(editor), asked = text.toLowerCase();
    const worth = ([short, of, en, ko]) => {
      const [whole, rest] = [short.toLowerCase(), short.slice(short.indexOf(":") + 1).toLowerCase()];
      const word = ` ${en} ${ko}`.toLowerCase();
      const met = whole.startsWith(asked) ? 4 : asked.includes(":") ? 0 : rest.startsWith(asked) ? 3 : word.includes(` ${asked}`) ? 2 : word.includes(asked) ? 1 : 0;
      return met && met + (of === kind ? 4 : 0);
    };
    const met = terms.map((term) => [worth(term), term]).filter(([worth]) => worth);
    return met.sort((a, b) => b[0] - a[0] || a[1][0].length - b[1][0].length).slice(0, 60).map(([, term]) => term);
  };
  // The name goes in, then its prefix, as one step.
  const put = (editor, { prefixes }, [short]) => {
    const doc = editor.getDoc(), end = doc.getCursor(), prefix = short.split(":")[0];
    const plain = prefix in prefixes && /^[\p{L}\p{N}_-]*$/u.test(short.slice(prefix.length + 1));
    const iri = prefix in prefixes ? prefixes[prefix] + short.slice(prefix.length + 1) : short;
    chosen = plain ? short : "";
    editor.operation(() => {
      doc.replaceRange(plain ? short : `<${iri}>`, { line: end.line, ch: end.ch - written(editor).length }, end);
      if (plain) editor.addPrefixes({ [prefix]: prefixes[prefix] });
    });
  };
  const completer = (name, fits, autoShow) => ({
    name,
    autoShow,
    bulk: false,
    isValidCompletionPosition: (editor) => fits(written(editor)) && written(editor) !== chosen && free(editor),
    get: async (editor) => (await find(editor, written(editor))).map(([short]) => short),
    postprocessHints: (editor, hints) => names().then((all) => {
      const terms = new Map(all.terms.map((term) => [term[0], term]));
      return hints.map((hint) => ({
        ...hint,
        displayText: `${hint.text}  ${told(terms.get(hint.text))}`,
        hint: () => put(editor, all, terms.get(hint.text)),
      }));
    }),
  });
  Yasqe.forkAutocompleter("prefixes", {
    name: "prefixes",
    persistenceId: null,
    get: async () => Object.entries((await names()).prefixes).map(([prefix, space]) => `${prefix}: <${space}>`),
  });
  Yasqe.registerAutocompleter(completer("names", (text) => /^[\w-]+:/.test(text), true));
  Yasqe.registerAutocompleter(completer("words", (text) => text.length > 1 && !text.includes(":"), false));
  Yasqe.defaults.autocompleters = ["prefixes", "variables", "names", "words"];
  const run = () => form.requestSubmit();
  const editor = new Yasqe(area.parentElement, {
    value: area.value,
    persistenceId: null,
    consumeShareLink: null,
    createShareableLink: null,
    showQueryButton: false,
    resizeable: false,
    editorHeight: `${area.offsetHeight}px`,
    screenReaderLabel: form.querySelector("label").textContent,
    // Tab leaves the editor, so that nobody is caught in it.
    extraKeys: { "Ctrl-Enter": run, "Cmd-Enter": run, Tab: false, "Shift-Tab": false },
  });
  editor.showNotification = () => {};
  area.before(editor.rootEl);
  area.required = false;
  area.hidden = true;
  form.addEventListener("submit", () => { area.value = editor.getValue(); });
  const line = Number(form.dataset.line) - 1, ch = Number(form.dataset.column) - 1;
  if (line >= 0) {
    const doc = editor.getDoc();
    const mark = doc.markText({ line, ch }, { line, ch: ch + 1 }, { className: "fault" });
    doc.addLineClass(line, "background", "fault-line");
    doc.setCursor({ line, ch });
    editor.on("change", () => { mark.clear(); doc.removeLineClass(line, "background", "fault-line"); });
  }
}
