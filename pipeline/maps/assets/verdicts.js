// What the reader says of cases: kept in this browser at once, exported as one file, and not handed in until the office
// has imported that file. Each case has a key of its own, so that two open maps never overwrite each other.
luyu.Verdicts = function (onChange) {
  var data = luyu.data, form = data.form, KEY = "luyu-verdict:", NAME = "luyu-name";
  var said = {}, persistent = luyu.kept.set("luyu-probe", "1"), taken = [];
  var byCase = {};
  data.findings.forEach(function (f) { if (f.case) byCase[f.case] = f; });

  luyu.kept.keys().forEach(function (key) {
    if (key.slice(0, KEY.length) === KEY) read(key.slice(KEY.length));
  });
  function read(caseNo) {
    var entry = null;
    try { entry = JSON.parse(luyu.kept.get(KEY + caseNo)); } catch (error) { if (!(error instanceof SyntaxError)) throw error; }
    if (entry && entry.case_no === caseNo && kind(entry.verdict) && entry.county === data.county.code) said[caseNo] = entry;
    else delete said[caseNo];
  }
  function kind(code) { return form.verdicts.filter(function (one) { return one[0] === code; })[0]; }

  // A map made after the import knows the verdict: then it has arrived, and is no longer kept here, whether or not its
  // case is still on the map.
  var answered = {};
  data.answered.forEach(function (one) { answered[one[0] + " " + Date.parse(one[1]) + " " + luyu.text(one[2])] = true; });
  Object.keys(said).forEach(function (caseNo) {
    var entry = said[caseNo];
    if (answered[caseNo + " " + Date.parse(entry.at) + " " + entry.by]) { taken.push(caseNo); forget(caseNo); }
  });
  function forget(caseNo) {
    delete said[caseNo];
    luyu.kept.remove(KEY + caseNo);
  }

  // Now, with its offset, in China's time: as officers' papers are dated.
  function now() { return new Date(Date.now() + 8 * 3600000).toISOString().slice(0, 19) + "+08:00"; }

  function missing(entry) {
    var reasons = kind(entry.verdict)[4];
    if (entry.verdict === "dismiss" && reasons.indexOf(entry.reason) < 0) return luyu.word("reason_missing");
    if (entry.reason === "other" && !entry.note.trim()) return luyu.word("note_missing");
    if (!entry.by) return luyu.word("name_missing");
    return null;
  }
  function entries() {
    return Object.keys(said).sort().map(function (caseNo) { return said[caseNo]; });
  }
  function ready() { return entries().filter(function (entry) { return !missing(entry); }); }
  function text() {
    return JSON.stringify({
      luyu_verdicts: 1, exported_at: now(), run: data.run.slice(0, 200) || null,
      verdicts: ready().map(function (entry) {
        return { case_no: entry.case_no, verdict: entry.verdict, reason: entry.reason || null, note: entry.note, by: entry.by, at: entry.at, version: entry.version };
      })
    }, null, 1);
  }
  function store(entry) {
    said[entry.case_no] = entry;
    persistent = luyu.kept.set(KEY + entry.case_no, JSON.stringify(entry));
    onChange(entry.case_no);
  }

  window.addEventListener("storage", function (event) {            // another window on the same map said something
    if (!event.key || event.key.slice(0, KEY.length) !== KEY) return;
    read(event.key.slice(KEY.length));
    onChange(event.key.slice(KEY.length), true);
  });
  // Where the browser keeps nothing, leaving the page would lose them.
  window.addEventListener("beforeunload", function (event) {
    if (!persistent && entries().some(function (entry) { return !entry.exported; })) { event.preventDefault(); event.returnValue = ""; }
  });

  return {
    of: function (finding) { return said[finding.case] || null; },
    entries: entries, ready: ready, missing: missing, text: text, taken: taken,
    persistent: function () { return persistent; },
    title: function (entry) { var one = kind(entry.verdict); return [one[1], one[2]]; },
    name: function () { return luyu.kept.get(NAME) || ""; },
    sign: function (name) {                       // whose verdicts those without a name are
      luyu.kept.set(NAME, name);
      entries().forEach(function (entry) { if (!entry.by) store(Object.assign({}, entry, { by: name })); });
    },
    allowed: function (finding) {
      return form.verdicts.filter(function (one) { return finding.case && one[3].indexOf(finding.status) >= 0; });
    },
    say: function (finding, verdict, reason, note, name) {
      store({
        case_no: finding.case, verdict: verdict, reason: reason || null, note: note.slice(0, form.most_note), by: name.trim().slice(0, form.most_name), at: now(),
        version: finding.version, county: data.county.code, finding_id: finding.id, exported: null
      });
    },
    withdraw: function (finding) { forget(finding.case); onChange(finding.case); },
    // One file for the office. A phone that cannot save files may send it on as a text.
    save: function () {
      var name = "luyu-verdicts-" + data.county.code.replace(/[^0-9A-Za-z_-]/g, "_") + "-" + now().replace(/[^0-9]/g, "").slice(0, 12) + ".json";
      var link = luyu.el("a", { download: name, href: URL.createObjectURL(new Blob([text()], { type: "application/json" })) });
      document.body.appendChild(link);
      link.click();
      document.body.removeChild(link);
      setTimeout(function () { URL.revokeObjectURL(link.href); }, 10000);
      ready().forEach(function (entry) { store(Object.assign({}, entry, { exported: now() })); });
    },
    // What was exported, and what can no longer be finished because its case is on this map no more.
    done: function () {
      return entries().filter(function (entry) { return entry.exported || (missing(entry) && !byCase[entry.case_no]); });
    },
    forgetDone: function () {
      this.done().forEach(function (entry) { forget(entry.case_no); });
      onChange(null);
    }
  };
};

// The form on a card. Everything is kept as it is typed; nothing has to be saved.
luyu.VerdictForm = function (finding, verdicts) {
  var data = luyu.data, el = luyu.el, entry = verdicts.of(finding), allowed = verdicts.allowed(finding);
  if (!data.ledger) return el("p", { "class": "note" }, [luyu.label(luyu.word("no_ledger"))]);
  if (!finding.case) return el("p", { "class": "note" }, [luyu.label(luyu.word("no_case"))]);
  if (!allowed.length && !entry) return el("p", { "class": "note" }, [luyu.label(luyu.word("no_verdict_now"))]);
  var chosen = entry ? entry.verdict : "", state = el("p", { "class": "state", role: "status" });
  var reason = el("select", { name: "reason", onchange: keep }), reasonRow = el("label", { "class": "field" }, [luyu.label(luyu.word("reason")), reason]);
  var note = el("textarea", { name: "note", rows: 2, maxlength: data.form.most_note, oninput: keep });
  note.value = entry ? entry.note : "";
  var name = el("input", { name: "by", type: "text", maxlength: data.form.most_name, autocomplete: "name", oninput: keep, onchange: function () { verdicts.sign(name.value.trim()); } });
  name.value = (entry && entry.by) || verdicts.name();
  var withdraw = luyu.button("withdraw", function () {
    chosen = "";
    verdicts.withdraw(finding);
    Array.prototype.forEach.call(box.querySelectorAll("input[type=radio]"), function (radio) { radio.checked = false; });
    told();
  });
  var choices = el("div", { "class": "choices" }, allowed.map(function (one) {
    var radio = el("input", { type: "radio", name: "verdict", value: one[0], onchange: function () { chosen = one[0]; reasons(""); keep(); } });
    radio.checked = chosen === one[0];
    return el("label", { "class": "choice" }, [radio, luyu.label([one[1], one[2]])]);
  }));
  var box = el("fieldset", { "class": "verdict" }, [
    el("legend", {}, [luyu.label(luyu.word("verdict"))]), choices, reasonRow,
    el("label", { "class": "field" }, [luyu.label(luyu.word("note")), note]),
    el("label", { "class": "field" }, [luyu.label(luyu.word("by")), name]), state, withdraw
  ]);

  function reasons(selected) {
    var one = data.form.verdicts.filter(function (v) { return v[0] === chosen; })[0], codes = one ? one[4] : [];
    reason.textContent = "";
    if (chosen === "dismiss") reason.appendChild(el("option", { value: "", text: luyu.both(luyu.word("choose_reason")) }));
    codes.forEach(function (code) {
      var option = el("option", { value: code, text: luyu.both(data.form.reasons[code]) });
      option.selected = code === selected;
      reason.appendChild(option);
    });
    reasonRow.hidden = !codes.length;
  }
  function keep() {
    if (chosen) verdicts.say(finding, chosen, reasonRow.hidden ? null : reason.value, note.value, name.value);
    told();
  }
  // What the ledger would refuse: better said now than at the import.
  var personal = /(^|\D)1[3-9]\d[- ]?\d{4}[- ]?\d{4}(\D|$)|(^|\D)[1-9]\d{5}(19|20)\d{9}[\dXx](\D|$)/;
  function told() {
    var kept = verdicts.of(finding), lacking = kept && (verdicts.missing(kept) || (personal.test(note.value + " " + name.value) ? luyu.word("personal") : null));
    withdraw.hidden = !kept;
    state.textContent = "";
    if (!kept) { state.appendChild(luyu.label(luyu.word("choose_verdict"))); return; }
    state.className = "state " + (lacking ? "lacking" : "kept");
    state.appendChild(luyu.label(lacking || luyu.word(kept.exported ? "exported" : verdicts.persistent() ? "kept_here" : "kept_nowhere")));
  }
  reasons(entry ? entry.reason : "");
  told();
  return box;
};

// The line at the page's head: how many verdicts wait here, and the way to hand them in. Its buttons are made once: one may
// be pressed at the moment at which a field that was left is kept.
luyu.Unsent = function (root, verdicts, onPick) {
  var el = luyu.el, data = luyu.data;
  function counted() { return el("span", {}); }
  function tell(node, count, word) {
    node.hidden = !count;
    node.textContent = "";
    if (!count) return;
    node.appendChild(el("b", { text: count + " " }));
    node.appendChild(luyu.label(luyu.word(word)));
  }
  function lacking() {
    return verdicts.entries().filter(function (entry) { return verdicts.missing(entry) && verdicts.done().indexOf(entry) < 0; });
  }

  var taken = counted(), waiting = counted(), warn = el("b", { "class": "warn" }, [luyu.label(luyu.word("kept_nowhere"))]);
  var incomplete = el("button", { type: "button", "data-action": "lacking", onclick: function () {
    var first = lacking()[0], finding = first && data.findings.filter(function (f) { return f.case === first.case_no; })[0];
    if (finding) onPick(finding);
  } });
  var save = luyu.button("export", function () { verdicts.save(); });
  var copy = luyu.button("copy_text", function (event) { luyu.copy(verdicts.text(), event.currentTarget); });
  var forget = luyu.button("forget", function () {
    if (window.confirm(luyu.both(luyu.word("forget_sure")))) verdicts.forgetDone();
  });
  taken.className = "taken";
  // What grows and shrinks stands behind the buttons, or they would move away under a finger.
  [save, copy, waiting, incomplete, taken, forget, warn].forEach(function (node) { root.appendChild(node); });

  function draw() {
    var all = verdicts.entries(), ready = verdicts.ready();
    root.hidden = !all.length && !verdicts.taken.length;
    tell(taken, verdicts.taken.length, "taken");
    tell(waiting, all.length, all.some(function (entry) { return !entry.exported; }) ? "unsent" : "all_exported");
    tell(incomplete, lacking().length, "incomplete");
    save.hidden = copy.hidden = !all.length;
    save.disabled = copy.disabled = !ready.length;
    forget.hidden = !verdicts.done().length;
    warn.hidden = !all.length || verdicts.persistent();
  }
  draw();
  return { draw: draw };
};
