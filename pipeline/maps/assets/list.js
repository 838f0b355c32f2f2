// The list beside the map: what is not yet handed in, the filters, and the findings in order.
luyu.List = function (root, filters, verdicts, onPick) {
  var data = luyu.data, el = luyu.el, page = 60, limit = page, shown = [];
  var total = el("p", { "class": "total", role: "status" });
  var rows = el("ol", { "class": "rows" });
  var more = el("button", { type: "button", "class": "more", onclick: function () { limit += page; fill(); } }, [luyu.label(luyu.word("more"))]);
  [el("h2", {}, [luyu.label(luyu.word("list"))]),
   data.findings.length ? filters.box : null,
   total,
   data.causes.length ? el("p", { "class": "gap-note" }, [luyu.label(luyu.word("gap_note")), null]) : null,
   data.picturesLeftOut ? el("p", { "class": "note left-out" }, [luyu.label(luyu.word("left_out")), el("b", { text: " " + data.picturesLeftOut })]) : null,
   rows, more].forEach(function (node) { if (node) root.appendChild(node); });

  function marks(finding) {
    var said = verdicts.of(finding);
    return el("span", { "class": "marks" }, [
      luyu.overdue(finding) ? el("span", { "class": "late" }, [luyu.label(luyu.word("overdue"))]) : null,
      finding.earlier ? el("span", { "class": "old" }, [luyu.label(luyu.word("earlier"))]) : null,
      said ? el("span", { "class": "said" }, [luyu.label(verdicts.title(said))]) : null
    ]);
  }
  function row(finding) {
    var button = el("button", { type: "button", "class": luyu.settled(finding) ? "row settled" : "row", onclick: function () { onPick(finding); } }, [
      luyu.symbol(finding.kind, luyu.colour(finding)),
      el("span", { "class": "what" }, [
        el("b", {}, [finding.route || finding.stake ? luyu.placeLabel(finding) : document.createTextNode(finding.coordinates)]),
        el("span", { "class": "sub" }, [luyu.label(luyu.kind(finding)), luyu.label(luyu.zone(finding)), luyu.label(luyu.status(finding))]),
        marks(finding)
      ]),
      el("span", { "class": "rank", title: luyu.both(luyu.word("priority")) }, [el("b", { text: finding.priority }), el("small", { text: finding.confidence })])
    ]);
    finding.row = button;
    if (finding === current) button.setAttribute("aria-current", "true");
    return el("li", {}, [button]);
  }
  function fill() {
    rows.textContent = "";
    data.findings.forEach(function (f) { f.row = null; });
    shown.slice(0, limit).forEach(function (finding) { rows.appendChild(row(finding)); });
    more.hidden = shown.length <= limit;
    total.textContent = "";
    total.appendChild(data.findings.length
      ? el("span", {}, [luyu.label(luyu.word("shown")), el("b", { text: " " + shown.length + "/" + data.findings.length })])
      : el("span", {}, [luyu.label(luyu.word("empty"))]));
    if (data.findings.length && !shown.length) total.appendChild(el("span", {}, [document.createTextNode(" · "), luyu.label(luyu.word(filters.stakeWanted() ? "none_near" : "none"))]));
  }

  // Paper has no button: print all that the filters leave, then go back.
  var before = limit, current = null;
  window.addEventListener("beforeprint", function () { before = limit; limit = shown.length; fill(); });
  window.addEventListener("afterprint", function () { limit = before; fill(); });

  return {
    show: function (findings) { shown = findings; limit = page; fill(); },
    // Rows stay where they are: a press on one may be under way while a field that was left is kept.
    again: function (caseNo) {
      shown.forEach(function (finding) {
        if (!finding.row || (caseNo && finding.case !== caseNo)) return;
        var old = finding.row.querySelector(".marks");
        old.parentNode.replaceChild(marks(finding), old);
      });
    },
    shown: function () { return shown; },
    neighbour: function (finding, by) { return shown[shown.indexOf(finding) + by]; },
    mark: function (finding) {
      Array.prototype.forEach.call(rows.querySelectorAll("[aria-current]"), function (b) { b.removeAttribute("aria-current"); });
      current = finding;
      if (!finding || !finding.row) return;
      finding.row.setAttribute("aria-current", "true");
      if (window.innerWidth >= 600) finding.row.scrollIntoView({ block: "nearest" });
    }
  };
};
