// Which findings are shown and in which order: filters, search by text, case number or stake, order.
luyu.Filters = function (onChange) {
  var data = luyu.data, el = luyu.el;
  var only = { kind: {}, status: {}, zone: {}, route: {} };   // what was chosen of each; nothing chosen: all
  var about_m = 1000;                              // how far along the road from a stake that is searched for

  data.findings.forEach(function (f) {
    f.text = [f.id, f.case, f.route, f.stake, luyu.both(luyu.named(data.sides, f.side)), luyu.both(luyu.kind(f)), f.kind,
      luyu.text(f.card[data.card.indexOf("permit_no")]), luyu.text(f.card[data.card.indexOf("township_name")])].join(" ").toUpperCase();
  });

  function values(field) {
    var counts = {};
    data.findings.forEach(function (f) { counts[f[field]] = (counts[f[field]] || 0) + 1; });
    return counts;
  }
  function switches(field, title, entries) {
    return el("div", { "class": "chips", role: "group", "aria-label": luyu.both(title) }, entries.map(function (entry) {
      var chip = el("button", { type: "button", "class": "chip", "aria-pressed": "false", "data-filter": field, "data-name": entry.name, onclick: function () {
        if (only[field][entry.name]) delete only[field][entry.name]; else only[field][entry.name] = true;
        chip.setAttribute("aria-pressed", String(Boolean(only[field][entry.name])));
        changed();
      } }, [entry.icon, luyu.label(entry.title), el("b", { text: " " + entry.count })]);
      return chip;
    }));
  }
  function entries(field, titles) {
    var counts = values(field);
    var known = Object.keys(titles).filter(function (name) { return counts[name]; });
    var others = Object.keys(counts).filter(function (name) { return name && known.indexOf(name) < 0; }).sort();
    return known.concat(others).map(function (name) {
      return { name: name, title: titles[name] || [name, ""], count: counts[name], icon: field === "kind" ? luyu.symbol(name) : null };
    });
  }
  function field(title, input, after) {
    return el("label", { "class": "field" }, [luyu.label(title), input, after]);
  }

  var kindTitles = {}, zoneTitles = {};
  data.kinds.forEach(function (k) { kindTitles[k[0]] = [k[1], k[2]]; });
  data.zoneStyles.forEach(function (z) { zoneTitles[z[0]] = [z[1], z[2]]; });

  var search = el("input", { type: "search", id: "search", placeholder: "G311 K512+600 · 案号 case · 乡镇", "aria-label": luyu.both(luyu.word("search")), oninput: changed,
    onkeydown: function (event) { if (event.key === "Enter") changed(event, true); } });
  var sort = el("select", { id: "sort", onchange: changed }, [
    el("option", { value: "priority", text: luyu.both(luyu.word("by_priority")) }),
    el("option", { value: "road", text: luyu.both(luyu.word("by_road")) })
  ]);
  var least = el("input", { type: "range", min: 0, max: 1, step: 0.05, value: 0, "data-filter": "confidence", oninput: changed });
  var leastShown = el("output", { text: "0" });
  var from = el("input", { type: "date", "data-filter": "from", onchange: changed }), to = el("input", { type: "date", "data-filter": "to", onchange: changed });
  var late = el("input", { type: "checkbox", "data-filter": "overdue", onchange: changed });
  var open = el("input", { type: "checkbox", "data-filter": "unanswered", onchange: changed });
  var more = el("details", { "class": "more-filters" }, [
    el("summary", {}, [luyu.label(luyu.word("more_filters"))]),
    el("h3", {}, [luyu.label(data.columns.status)]), switches("status", data.columns.status, entries("status", data.status)),
    el("h3", {}, [luyu.label(data.columns.zone)]), switches("zone", data.columns.zone, entries("zone", zoneTitles)),
    el("h3", {}, [luyu.label(data.columns.route_code)]), switches("route", data.columns.route_code, entries("route", {})),
    field(luyu.word("least_confidence"), least, leastShown),
    field(luyu.word("seen_from"), from), field(luyu.word("seen_to"), to),
    field(luyu.word("only_overdue"), late), field(luyu.word("only_unanswered"), open)
  ]);
  var reset = luyu.button("reset", function () {
    Object.keys(only).forEach(function (name) { only[name] = {}; });
    Array.prototype.forEach.call(box.querySelectorAll(".chip"), function (chip) { chip.setAttribute("aria-pressed", "false"); });
    search.value = from.value = to.value = "";
    least.value = 0;
    late.checked = open.checked = false;
    changed();
  });
  reset.hidden = true;
  var box = el("div", { "class": "filters", role: "search" }, [search, switches("kind", luyu.word("kinds"), entries("kind", kindTitles)), more,
    el("div", { "class": "order" }, [field(luyu.word("order"), sort), reset])]);

  // Full-width signs as an input method leaves them are read as half-width ones.
  function words() { return search.value.normalize("NFKC").trim().toUpperCase(); }
  function stakeWanted() {
    var found = /(?:([GSXYCZ]\d[0-9A-Z]*)[\s,]*)?\b[A-Z]{0,2}K?(\d{1,5})\+(\d{1,3})\b/.exec(words());
    if (!found) found = /(?:([GSXYCZ]\d[0-9A-Z]*)[\s,]*)?\bK(\d{1,5})()$/.exec(words());
    return found ? { route: found[1] || "", measure_m: Number(found[2]) * 1000 + Number(found[3] || 0) } : null;
  }
  function away_m(f, wanted) {
    if (f.from_m === null || (wanted.route && f.route !== wanted.route)) return Infinity;
    return Math.max(0, f.from_m - wanted.measure_m, wanted.measure_m - f.to_m);
  }
  function along(a, b) {
    return a.route < b.route ? -1 : a.route > b.route ? 1 : (a.from_m === null ? Infinity : a.from_m) - (b.from_m === null ? Infinity : b.from_m);
  }
  function chosen(field, f) { return only[field][f[field]] || !Object.keys(only[field]).length; }

  function pass(answered) {
    var wanted = stakeWanted(), parts = wanted ? [] : words().split(/\s+/);
    var found = data.findings.filter(function (f) {
      return chosen("kind", f) && chosen("status", f) && chosen("zone", f) && chosen("route", f) &&
        Number(f.confidence || 1) >= Number(least.value) && (!from.value || f.after >= from.value) && (!to.value || (f.after && f.after <= to.value)) &&
        (!late.checked || luyu.overdue(f)) && (!open.checked || (f.case && !luyu.settled(f) && !answered(f))) &&
        parts.every(function (part) { return f.text.indexOf(part) >= 0; }) && (!wanted || away_m(f, wanted) <= about_m);
    });
    if (wanted) found.sort(function (a, b) { return away_m(a, wanted) - away_m(b, wanted); });
    else if (sort.value === "road") found.sort(along);
    return found;
  }
  function changed(event, go) {
    leastShown.textContent = least.value;
    reset.hidden = !(search.value || Number(least.value) || from.value || to.value || late.checked || open.checked ||
      Object.keys(only).some(function (name) { return Object.keys(only[name]).length; }));
    onChange(go === true);
  }
  return { box: box, pass: pass, stakeWanted: stakeWanted };
};
