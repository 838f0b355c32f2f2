// The list beside the map: filters by kind, zone and text, and the findings by priority.
luyu.List = function (root, onFilter, onPick) {
  var data = luyu.data, el = luyu.el, page = 200, limit = page, shown = [];
  var off = { kind: {}, zone: {} };

  function count(field, name) {
    return data.findings.filter(function (f) { return f[field] === name; }).length;
  }
  function switches(field, entries) {
    return el("div", { "class": "chips", role: "group" }, entries.map(function (entry) {
      var button = el("button", { type: "button", "class": "chip", "aria-pressed": "true", "data-filter": field, "data-name": entry.name, onclick: function () {
        off[field][entry.name] = !off[field][entry.name];
        button.setAttribute("aria-pressed", String(!off[field][entry.name]));
        filter();
      } }, [entry.icon, luyu.label(entry.title), el("b", { text: " " + entry.count })]);
      return button;
    }));
  }
  var kinds = data.kinds.map(function (k) {
    return { name: k[0], title: [k[1], k[2]], icon: luyu.symbol(k[0]), count: count("kind", k[0]) };
  }).filter(function (k) { return k.count; });
  var zones = data.zoneStyles.map(function (z) {
    return { name: z[0], title: [z[1], z[2]], icon: null, count: count("zone", z[0]) };
  }).filter(function (z) { return z.count; });

  var search = el("input", { type: "search", placeholder: luyu.word("search").join(" "), "aria-label": luyu.word("search")[0], oninput: filter });
  var total = el("p", { "class": "total", role: "status" });
  var rows = el("ol", { "class": "rows" });
  var more = el("button", { type: "button", "class": "more", onclick: function () { limit += page; fill(); } }, [luyu.label(luyu.word("more"))]);
  [el("h2", {}, [luyu.label(luyu.word("list"))]),
   data.findings.length ? el("div", { "class": "filters" }, [switches("kind", kinds), switches("zone", zones), search]) : null,
   total,
   data.causes.length ? el("p", { "class": "gap-note" }, [luyu.label(luyu.word("gap_note")), data.km.length ? el("b", { text: " " + data.km[0] + "/" + data.km[1] + " km" }) : null]) : null,
   data.chipsLeftOut ? el("p", { "class": "note left-out" }, [luyu.label(luyu.word("left_out")), el("b", { text: " " + data.chipsLeftOut })]) : null,
   rows, more].forEach(function (node) { if (node) root.appendChild(node); });

  data.findings.forEach(function (f) {
    f.text = [f.id, f.case, f.route, f.stake, f.side, luyu.kinds[f.kind].zh, f.kind].join(" ").toUpperCase();
  });

  function filter() {
    var wanted = search.value.trim().toUpperCase().split(/\s+/);
    shown = data.findings.filter(function (f) {
      return !off.kind[f.kind] && !off.zone[f.zone] && wanted.every(function (part) { return f.text.indexOf(part) >= 0; });
    });
    limit = page;
    fill();
    onFilter(shown);
  }

  function row(finding) {
    var kind = luyu.kinds[finding.kind], zone = luyu.zones[finding.zone], status = data.status[finding.status];
    var button = el("button", { type: "button", "class": luyu.settled(finding) ? "row settled" : "row", onclick: function () { onPick(finding); } }, [
      luyu.symbol(finding.kind, luyu.colour(finding)),
      el("span", { "class": "what" }, [
        el("b", { text: luyu.place(finding) || finding.coordinates }),
        el("span", { text: [kind.zh, zone ? zone.zh : finding.zone, status ? status[0] : finding.status].filter(Boolean).join(" · ") })
      ]),
      el("span", { "class": "rank", title: luyu.word("priority").join(" ") }, [el("b", { text: finding.priority }), el("small", { text: finding.confidence })])
    ]);
    finding.row = button;
    return el("li", {}, [button]);
  }

  function fill() {
    rows.textContent = "";
    shown.slice(0, limit).forEach(function (finding) { rows.appendChild(row(finding)); });
    more.hidden = shown.length <= limit;
    total.textContent = "";
    if (!data.findings.length) total.appendChild(luyu.label(luyu.word("empty")));
    else if (!shown.length) total.appendChild(luyu.label(luyu.word("none")));
    else total.appendChild(luyu.label([luyu.word("shown")[0] + " " + shown.length + " / " + data.findings.length, luyu.word("shown")[1]]));
  }

  // Paper has no button: print all that the filters leave, then go back.
  var before = limit;
  window.addEventListener("beforeprint", function () { before = limit; limit = shown.length; fill(); });
  window.addEventListener("afterprint", function () { limit = before; fill(); });

  return {
    filter: filter,
    neighbour: function (finding, by) { return shown[shown.indexOf(finding) + by]; },
    mark: function (finding) {
      Array.prototype.forEach.call(rows.querySelectorAll("[aria-current]"), function (b) { b.removeAttribute("aria-current"); });
      if (!finding || !finding.row) return;
      finding.row.setAttribute("aria-current", "true");
      var box = finding.row.getBoundingClientRect(), frame = root.getBoundingClientRect();
      if (box.top < frame.top || box.bottom > frame.bottom) root.scrollTop += box.top - frame.top - frame.height / 3;
    }
  };
};
